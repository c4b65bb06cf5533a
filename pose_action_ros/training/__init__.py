"""Training: pose first, then action on a frozen pose network, then the whole (Appendix B).

config, config_file     every setting, with default and help
losses                  the loss functions
order, augmentation     order of the samples, and their variation at each visit
sources, sample_store   sources of samples, and the file that keeps samples
batches                 samples joined to batches and rendered on the device
data_module             loaders, in Lightning's terms
phase_module            the part that all phases share
pose_module             phases half_size and pose
action_module           phases action and finetune
feature_cache           outputs of the frozen pose network, computed once
optimizers, reporting   learning rates, logs, progress
run_folder, run         one run from settings to a weights file
evaluation              scores of a weights file
"""
