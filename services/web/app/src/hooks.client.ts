// Imported here and not in a layout so that the shell links it too: its first
// paint already has the right colours.
import './app.css';
