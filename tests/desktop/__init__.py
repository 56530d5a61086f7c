"""Tests on a real desktop: a screen, a notification server, a polkit agent."""
