"""Figures for Prometheus: counted where things happen, looked up in the database when somebody asks."""
