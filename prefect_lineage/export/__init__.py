"""What leaves the program: the map page. No flow process loads this package."""
