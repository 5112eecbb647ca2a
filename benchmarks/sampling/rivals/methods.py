"""The rival samplers, each as three functions that jax can compile.

``start(position, key, tuning)`` gives a chain's state; ``tune(state, key, n)`` spends n
tuning steps; ``step(state, key)`` is one step, which returns the new state, its gradient
evaluations and whether it diverged; ``position(state)`` is where the chain is.
"""

import blackjax
import jax
import jax.numpy as jnp
from numpyro.infer import NUTS

ACCEPTANCE, DEPTH = 0.8, 10  # what numpyro and blackjax advise and default to


class Langevin:
    """Euler-Maruyama steps of overdamped Langevin dynamics: the paper's method.

    The step size is part of the state, so that one compilation serves the ladder. Steps
    are featlearn's ``langevin.step``, compiled, which is several times faster.
    """

    adapts = False

    def __init__(self, target):
        self.slope = jax.grad(target.energy)

    def start(self, position, key, tuning):
        return position, jnp.asarray(tuning, position["w"].dtype)

    def step(self, state, key):
        position, size = state
        slope = self.slope(position)
        keys = dict(zip(position, jax.random.split(key, len(position)), strict=True))
        moved = {
            name: z
            - size * slope[name]
            + jnp.sqrt(2 * size) * jax.random.normal(keys[name], z.shape, z.dtype)
            for name, z in position.items()
        }
        return (moved, size), 1, ~jnp.isfinite(moved["w"]).all()

    def position(self, state):
        return state[0]

    def tuned(self, state):
        return {"step_size": state[1]}


class NumpyroNUTS:
    """numpyro's NUTS as advised: diagonal mass and step size adapt in the first steps."""

    adapts = True  # inside ``step``, by the count in its state

    def __init__(self, target):
        self.kernel = NUTS(
            potential_fn=target.energy, target_accept_prob=ACCEPTANCE, max_tree_depth=DEPTH
        )

    def start(self, position, key, tuning):
        return self.kernel.init(key, tuning, position)

    def step(self, state, key):
        state = self.kernel.sample(state, (), {})  # it has a key of its own
        return state, state.num_steps, state.diverging

    def position(self, state):
        return state.z

    def tuned(self, state):
        return {"step_size": state.adapt_state.step_size}


class BlackjaxNUTS:
    """blackjax's NUTS after its window adaptation, at the advised settings."""

    adapts = False

    def __init__(self, target):
        self.density = lambda position: -target.energy(position)
        self.kernel = blackjax.nuts.build_kernel()

    def start(self, position, key, tuning):
        return blackjax.nuts.init(position, self.density), (
            jnp.asarray(1.0),
            jnp.ones(sum(z.size for z in position.values())),
        )

    def tune(self, state, key, n):
        adaptation = blackjax.window_adaptation(
            blackjax.nuts, self.density, target_acceptance_rate=ACCEPTANCE
        )
        (state, found), info = adaptation.run(key, state[0].position, n)
        gradients = info.info.num_integration_steps.sum()
        return (state, (found["step_size"], found["inverse_mass_matrix"])), gradients

    def step(self, state, key):
        state, (size, mass) = state
        state, info = self.kernel(key, state, self.density, size, mass, DEPTH)
        return (state, (size, mass)), info.num_integration_steps, info.is_divergent

    def position(self, state):
        return state[0].position

    def tuned(self, state):
        return {"step_size": state[1][0]}


class MCLMC:
    """blackjax's microcanonical Langevin, unadjusted, tuned by its own advised recipe."""

    adapts = False

    def __init__(self, target):
        self.density = lambda position: -target.energy(position)
        self.kernel = blackjax.mcmc.mclmc.build_kernel()

    def start(self, position, key, tuning):
        state = blackjax.mcmc.mclmc.init(position, self.density, key)
        mass = jnp.ones(sum(z.size for z in position.values()))
        return state, (jnp.asarray(1.0), jnp.asarray(1.0), mass)

    def tune(self, state, key, n):
        state, found, steps = blackjax.mclmc_find_L_and_step_size(
            mclmc_kernel=self.kernel,
            num_steps=n,
            state=state[0],
            rng_key=key,
            logdensity_fn=self.density,
        )
        return (state, (found.L, found.step_size, found.inverse_mass_matrix)), 2 * steps

    def step(self, state, key):
        state, (length, size, mass) = state
        state, info = self.kernel(key, state, self.density, mass, length, size)
        # McLachlan's integrator takes two gradients a step.
        return (state, (length, size, mass)), 2, ~info.nonans

    def position(self, state):
        return state[0].position

    def tuned(self, state):
        return {"step_size": state[1][1], "L": state[1][0]}
