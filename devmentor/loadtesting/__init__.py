"""Clients by the hundred, which take a running gateway at its word: what `loadtest` and `memtest` share.

They know the gateway from outside alone, by its public protocol; the database they touch only to make users
of their own. Everything runs on one loop: many light clients, few writes.
"""
