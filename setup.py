"""Entry for pip and for ament; all metadata stands in setup.cfg."""

from setuptools import setup

setup()
