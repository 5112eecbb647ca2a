"""Sampling from several starts in rounds, with a sampler whose every number tells its origin."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr

from featlearn.experiments import equilibrium
from featlearn.inference.diagnostics import diagnose

STARTS = ("low", "high")
SETS = [5, 3, 8, 4]
STUCK = (3, 8)  # data sets whose starts differ until a ladder is used


def origin(data_set, start):
    return 10.0 * data_set + start


class Sampler:
    """Stands for the sampler: the alignment is ``origin``, or that of ``STUCK`` starts."""

    def __init__(self):
        self.calls = []

    def __call__(self, posterior, z, *, ladder, draws, seed, **others):
        self.calls.append(SimpleNamespace(ladder=ladder, draws=draws, seed=seed, others=others))
        K = 1 if ladder is None else len(ladder)
        data_set = posterior.x.numpy().reshape(-1, K)
        start = z.numpy().reshape(-1, K)
        # All rungs of a ladder have its data and begin where it does.
        assert (data_set == data_set[:, :1]).all() and (start == start[:, :1]).all()
        data_set, start = data_set[:, 0], start[:, 0]
        stuck = np.isin(data_set, STUCK) & (ladder is None)
        noise = np.random.default_rng(seed).normal(size=(len(start), draws))
        follow = 10 * data_set + 100 * start * stuck
        lead = ("chain",) if ladder is None else ("chain", "rung")

        def of_rungs(values):
            """The given values at the last rung, and none of them below."""
            if ladder is None:
                return values
            below = np.full((len(values), K - 1, *values.shape[1:]), -99.0)
            return np.concatenate([below, values[:, None]], 1)

        last = origin(data_set, start)
        divergent = np.arange(draws) < data_set[:, None] + start[:, None]
        return xr.Dataset(
            {
                "alignment": (("chain", "draw"), follow[:, None] + noise),
                "response_1": (
                    ("chain", "draw", "neuron_1"),
                    last[:, None, None] + np.zeros((1, draws, 3)),
                ),
                "statistic": ((*lead, "draw"), of_rungs(last[:, None] + np.zeros(draws))),
                "divergent": ((*lead, "draw"), of_rungs(divergent.astype(float))),
                "acceptance": (lead, of_rungs(last / 100)),
            }
        )


class Network:
    """Inputs are the seed of their data set."""

    def datasets(self, seeds, P, device, dtype):
        x = torch.tensor(seeds, dtype=dtype, device=device)
        return x, x


@pytest.fixture
def sampler(monkeypatch):
    found = Sampler()
    monkeypatch.setattr(equilibrium, "sample", found)
    return found


def measured(observe=None, **changes):
    config = equilibrium.SETTINGS | {"data_seeds": SETS, "P": 4, "draws": 100} | changes
    starts = {
        name: lambda chains, generator, label=label: torch.full((chains, 1), float(label))
        for label, name in enumerate(STARTS)
    }
    observe = observe or (lambda draws: ({"alignment": draws["alignment"]}, {}))
    return equilibrium.measure(
        config,
        Network(),
        starts,
        observe,
        posterior=lambda network, x, y: SimpleNamespace(x=x),
        device="cpu",
    )


EXPECTED = np.array([[origin(data_set, start) for start in (0, 1)] for data_set in SETS])
LADDER = {"rungs": 3, "least_scale": 0.25, "draws": 200}


@pytest.mark.parametrize("rounds, again", [([], 1), ([LADDER], 2)])
def test_every_number_is_at_its_data_set_and_start(sampler, rounds, again):
    def observe(draws):
        assert draws["response_1"].shape == (*draws["alignment"].shape, 3)
        place = draws["response_1"].mean((2, 3))
        kept = {"place": (("data_set", "start"), place.T)}
        energy = {"energy": (("data_set", "start"), draws["statistic"].mean(-1).T)}
        return {"alignment": draws["alignment"]}, kept | energy

    found = measured(observe, rounds=rounds)
    np.testing.assert_allclose(found.place, EXPECTED)
    np.testing.assert_allclose(found.energy, EXPECTED)  # of the last rung
    np.testing.assert_allclose(found.acceptance, EXPECTED / 100)
    np.testing.assert_allclose(found.divergences, np.add.outer(SETS, (0, 1)))
    assert found.start.values.tolist() == list(STARTS)
    stuck = np.isin(SETS, STUCK)
    assert found["round"].values.tolist() == np.where(stuck, again, 1).tolist()
    np.testing.assert_array_equal(found.alignment_equilibrium, ~stuck | (again == 2))
    apart = np.where(stuck & (again == 1), 100, 0)
    expected = 10.0 * np.array(SETS)[:, None] + np.outer(apart, (0, 1))
    np.testing.assert_allclose(found.alignment, expected, atol=0.5)  # noise of 1 / sqrt(100)


def test_a_round_samples_what_is_left_with_other_seeds_and_settings(sampler):
    lengths = {"warmup": 30, "n_leapfrog": 5, "n_jumps": 4}
    measured(rounds=[{"draws": 150}, LADDER, {"draws": 999}], chain_seed=7, **lengths)
    assert [call.draws for call in sampler.calls] == [100, 150, 200]  # the last is not needed
    assert [call.seed for call in sampler.calls] == [8, 1008, 2008]
    assert [call.ladder is None for call in sampler.calls] == [True, True, False]
    np.testing.assert_allclose(sampler.calls[2].ladder.scale, [0.25, 0.5, 1])
    assert all(call.others == lengths | {"progress": None} for call in sampler.calls)


def test_what_is_stored_of_a_quantity_is_its_diagnosis(sampler):
    recorded = []

    def observe(draws):
        recorded.append(draws["alignment"])
        return {"alignment": draws["alignment"]}, {}

    found = measured(observe)
    for i in range(len(SETS)):
        expected = diagnose(recorded[0][:, i])
        assert found.alignment_mcse[i] == expected.mcse
        assert found.alignment_r_hat[i] == expected.r_hat
        assert found.alignment_ess[i] == expected.bulk_ess


@pytest.mark.parametrize("follow, rounds", [(["alignment"], 1), (["alignment", "count"], 2)])
def test_all_that_is_followed_must_agree(sampler, follow, rounds):
    """Counts that never change agree by their R-hat where the starts have the same."""

    def observe(draws):
        count = np.zeros_like(draws["alignment"])
        count[1, 0] = 1  # the starts differ on the first data set
        noise = np.random.default_rng(0).normal(size=count.shape)
        return {"alignment": noise, "count": count}, {}

    found = measured(observe, data_seeds=[5, 4], follow=follow, rounds=[{"draws": 120}])
    assert found["round"].values.tolist() == [rounds, 1]
    assert not found.count_equilibrium.values.any()  # without effective samples


@pytest.mark.parametrize("r_hat, agrees", [(1.04, True), (1.2, False)])
def test_a_count_agrees_by_its_r_hat_alone(r_hat, agrees):
    run = xr.Dataset({"count_r_hat": ("data_set", [r_hat])})
    assert equilibrium._agree(run, "count") is agrees


def test_rungs_of_a_ladder():
    found = equilibrium.tempered(200, 0.2, draws=7)
    assert found == {"rungs": 10, "least_scale": 0.2, "draws": 7}  # 2 + sqrt(100) ln(5) / 2


@pytest.mark.parametrize("least", [0, 1, -0.5, float("nan")])
def test_a_ladder_needs_a_scale_between_the_laws(least):
    with pytest.raises(ValueError, match=f"least = {least!r}"):
        equilibrium.tempered(8, least)


def test_units_cover_what_is_measured(sampler):
    found = measured()
    units = equilibrium.units_of(alignment=("alignment A_f", "u"))
    assert set(found.variables) <= set(units)
    assert {name for name, (_, unit) in units.items() if unit == "u"} == {
        "alignment",
        "alignment_mcse",
    }
