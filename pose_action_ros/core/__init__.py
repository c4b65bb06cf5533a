"""Ground floor: joint layouts, results and errors; no other room is needed."""
