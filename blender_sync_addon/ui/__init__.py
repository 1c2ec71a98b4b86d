"""What is seen: panels, menus, presets. Draws; decides nothing."""
