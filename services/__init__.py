"""The service layer: what can be asked of Annals.

Edges (command line, HTTP, agents) parse, call it, and show the result. A use case takes its caller and a deadline, has
only the dependencies that it uses, and raises errors of ours. Grouped as the specification's services (section 1.2):
`storage`, `reasoning`, `processing`, `operations`.
"""
