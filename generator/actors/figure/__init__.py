"""Whole people with photographic skin, arms and hands, on MakeHuman's base mesh (CC0)."""
