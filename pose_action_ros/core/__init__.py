"""Ground floor: joint layouts, results and errors; needs numpy and no other room."""
