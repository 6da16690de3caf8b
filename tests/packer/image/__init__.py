"""Tests of packer/image."""
