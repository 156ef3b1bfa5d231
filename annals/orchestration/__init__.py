"""Services as processes of their own: started, watched, scaled, replaced and stopped (specification 1.2)."""
