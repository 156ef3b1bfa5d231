"""The graph as somebody would write it who has nothing but the driver, and knows every row beforehand."""
