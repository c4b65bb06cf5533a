"""Ground floor: joint layouts, results and errors; numpy only, imports nothing of ours."""
