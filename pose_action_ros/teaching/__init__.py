"""Teaching: makes a network that knows the actions of a folder of films.

settings        every setting, with default and help
survey          a summary of the folder, and advice before training begins
film_features   outputs of the frozen pose network for each film, computed as in the node
film_clips      clips of these features, drawn for training or taken all along a film
heads           training of the action branches and their fusion on such clips
judging         the share of held-out films whose action is right
lesson          all steps in order; an interrupted lesson continues
report          the report that the user reads at the end
takes           films for such a folder, cut from a camera's images or a recording
"""
