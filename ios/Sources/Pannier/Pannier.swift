// What apps see is this module: the values made by uniffi, and what is written here on top of them.
@_exported import PannierBindings
