# shellcheck shell=bash
# The command `pannier` against servers that nobody tamed; judged from outside. Most scenarios wait, so
# that it takes some minutes and little processor time.

the_world
