"""Training: pose first, then action on a frozen pose network, then the whole (Appendix B).

config, config_file     every setting, its default and its help
losses                  what is made small
order, augmentation     which sample comes when, and how it looks that time
sources, sample_store   where samples come from, and where they are kept
batches                 samples joined, and developed on the device
data_module             loaders, in Lightning's terms
phase_module            what the phases share
pose_module             phases half_size and pose
action_module           phases action and finetune
feature_cache           what a frozen pose network sees, computed once
optimizers, reporting   rates, logs, progress
run_folder, run         one run from settings to a weights file
evaluation              how good a weights file is
"""
