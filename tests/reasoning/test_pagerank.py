import numpy as np
import pytest

from reasoning.pagerank import pagerank, transitions


def test_chances_out_of_each_node_sum_to_one() -> None:
    chances = transitions(4, [0, 0, 1], [1, 2, 2], [1.0, 3.0, 1.0]).toarray()
    assert chances.sum(axis=0) == pytest.approx([1.0, 1.0, 1.0, 0.0])
    assert chances[:, 0] == pytest.approx([0.0, 0.25, 0.75, 0.0])


def test_doubled_edges_add_up() -> None:
    doubled = transitions(3, [0, 0, 0], [1, 1, 2], [1.0, 1.0, 2.0]).toarray()
    assert doubled[:, 0] == pytest.approx([0.0, 0.5, 0.5])


def test_the_walk_solves_its_equation() -> None:
    """Its limit is (1 - d) (I - d T)^-1 restart."""
    chances = transitions(4, [0, 1, 2], [1, 2, 3], [1.0, 2.0, 1.0])
    restart = np.array([3.0, 0.0, 0.0, 1.0])
    limit = 0.5 * np.linalg.solve(np.eye(4) - 0.5 * chances.toarray(), restart / 4.0)
    assert pagerank(chances, restart) == pytest.approx(limit, abs=1e-4)


def test_nodes_nearer_to_the_start_rank_higher() -> None:
    rank = pagerank(transitions(4, [0, 1, 2], [1, 2, 3], [1.0] * 3), np.array([1.0, 0.0, 0.0, 0.0]))
    assert rank[0] > rank[1] > rank[2] > rank[3] > 0


def test_nothing_is_lost_at_a_node_without_edges() -> None:
    rank = pagerank(transitions(3, [0], [1], [1.0]), np.array([1.0, 0.0, 1.0]))
    assert rank.sum() == pytest.approx(1.0)


def test_a_walk_that_leaves_starts_again() -> None:
    """Of ten edges at node 0 nine lead elsewhere: little reaches node 1, and nothing is lost."""
    restart = np.array([1.0, 0.0])
    whole = pagerank(transitions(2, [0], [1], [1.0]), restart)
    part = pagerank(transitions(2, [0], [1], [1.0], np.array([9.0, 0.0])), restart)
    assert part.sum() == pytest.approx(1.0)
    assert part[1] == pytest.approx(0.05, abs=0.01) and whole[1] > 0.3


def test_without_a_start_there_is_no_walk() -> None:
    assert not pagerank(transitions(2, [0], [1], [1.0]), np.zeros(2)).any()


def test_a_graph_without_edges_stays_at_its_start() -> None:
    assert pagerank(transitions(2, [], [], []), np.array([1.0, 3.0])) == pytest.approx([0.25, 0.75])
