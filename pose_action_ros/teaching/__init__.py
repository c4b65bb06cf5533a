"""Teaching: a folder of films in, a network that knows their actions out.

settings        every choice, its default and its help
survey          what lies in the folder, and what to mend before hours are spent
film_features   what the frozen pose network sees of each film, as the node would see it
film_clips      clips of that, drawn for training or all along a film
heads           the action branches and their fusion, trained on such clips
judging         how often the action of a held-out film is right
lesson          all of it in order, and where it goes on after it was stopped
report          what the user reads at the end
takes           films for such a folder, cut out of a camera's or a recording's images
"""
