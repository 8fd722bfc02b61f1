"""Dagster's face: what people see and start in the UI.

Assets are thin: each opens its resources, calls one stage of the road, and tells what that stage did. Nothing here
knows how Marketo is asked or how a table is written. No `from __future__ import annotations` in this folder: it breaks
`context: dg.AssetExecutionContext` and `config: SomeConfig`.
"""
