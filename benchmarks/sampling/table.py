"""The table that the benchmark prints, and what a reader must know with it."""

NOTES = [
    "ESS: arviz's bulk effective sample size of the alignment, readout drawn, of the median chain",
    "times the number of chains; together: of all chains, few of them where one chain strays.",
    "s: seconds of sampling; warm-up is apart, compilation is in neither. grad/ESS: gradients",
    "of the energy an effective sample; ours spends its neuron jumps besides.",
    "ours/rival: ratio of ESS/s; above 1 ours is faster. bias: of the mean alignment, from ours.",
    "Rivals start at draws of ours, Langevin and MCLMC have no test, so their bias stays.",
    "Langevin runs at the largest step, or the least, whose estimated bias is below 2 %.",
    "* not converged: R-hat above 1.05 or ESS below 100; its ESS/s is an upper bound.",
]
HEAD = (
    f"{'entry':24} {'ESS/s':>9} {'ours/rival':>10} {'grad/ESS':>9} {'R-hat':>6} {'ESS':>7} "
    f"{'together':>8} {'z':>6} {'bias %':>11} {'s':>6} {'warm-up':>7}"
)


def of_size(d, rows):
    """The rows of one size; the fastest rival that converged is named below."""
    lines = [f"d = N = {d}, P = {6 * d}", HEAD]
    lines += [_line(row) for row in rows]
    fair = [row for row in rows if row["entry"] != "ours" and row["converged"]]
    if fair:
        best = max(fair, key=lambda row: row["ess_per_second"])
        lines.append(f"fastest converged rival: {best['entry']}, ours/rival {best['ratio']:.2g}")
    lines += [_langevin(row) for row in rows if "ladder" in row]
    return "\n".join(lines) + "\n"


def _line(row):
    bias = row["bias"]
    shown = "" if bias is None else f"{100 * bias[0]:+.1f} ± {100 * bias[1]:.1f}"
    star = " " if row["converged"] else "*"
    return (
        f"{row['entry']:24} {_number(row['ess_per_second'], '9.3g')}{star}"
        f"{_number(row['ratio'], '10.3g')} {_number(row['gradients_per_ess'], '9.3g')} "
        f"{_number(row['r_hat'], '6.3f')} {row['ess']:7.0f} "
        f"{row['ess_together']:8.0f} {_number(row['z'], '6.1f')} "
        f"{shown:>11} {row['seconds']:6.0f} {row['warmup_seconds']:7.0f}"
    )


def _langevin(row):
    return (
        f"Langevin's step {row['step']:.2g}: on the ladder {row['verdict']}, "
        f"in the measurement {row['verdict_measured']} (bias below 2 % at 95 %)"
    )


def _number(value, form):
    return f"{value:{form}}" if value is not None else " " * int(form.split(".")[0])
