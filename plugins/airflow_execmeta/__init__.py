"""Airflow runs and tasks as executions; the plug-in itself is not part of this version."""
