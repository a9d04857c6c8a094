"""Public objects that need no builder, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EXEMPTIONS"]

EXEMPTIONS: Mapping[str, str] = {
    "mechanisms.dealer_gamma.black_scholes.gamma": "options of one date",
    "mechanisms.dealer_gamma.black_scholes.implied_volatility": "options of one date",
    "mechanisms.dealer_gamma.black_scholes.price": "options of one date",
    "mechanisms.tech_valuation.earnings.capex_burden": "cut off at the close by TechValuation",
    "mechanisms.tech_valuation.earnings.capex_events": "turns text into events",
    "mechanisms.base.flow_words": "words for a flow",
    "mechanisms.dealer_gamma.implied.chain_volatility": "options of one date",
    "mechanisms.cta.exposure.speeds": "parameters",
    "mechanisms.cta.futures_price.years_to_expiry": "a calendar",
    "mechanisms.cta.trend_rules.solve_level": "a root of a function",
    "mechanisms.cta.fund_size.fit_fund_index": (
        "fits a scale once, on its whole input; no reading calls it"
    ),
    "mechanisms.cta.fund_size.fund_scale": "parameters",
    "mechanisms.cta.scenarios.price_scenarios": "parameters",
    "mechanisms.market_depth.spread_estimators.check_window": "checks a parameter",
    "mechanisms.tech_valuation.earnings.earnings_events": "turns text into events",
    "mechanisms.tech_valuation.earnings.report_reactions": (
        "a row a report; probed through `reaction_asymmetry`"
    ),
    "mechanisms.events.check_events": "turns text into events",
    "mechanisms.events.closes_of": "a calendar",
    "mechanisms.events.first_known": "a calendar",
    "mechanisms.dealer_gamma.profile.gamma_book": "options of one date",
    "mechanisms.dealer_gamma.profile.spot_grid": "parameters",
    "mechanisms.dealer_gamma.mechanism.chain_sentence": "words for a reading",
    "mechanisms.dealer_gamma.mechanism.convention_words": "words for a parameter",
    "mechanisms.dealer_gamma.mechanism.daily_sentence": "words for a reading",
    "transforms.mean_of_known": "row by row, over its parts",
    "transforms.saturate": "row by row",
    "transforms.last_value": "the last value of its input",
    "mechanisms.reserves.money_calendar.calendar_kinds": "a calendar",
    "mechanisms.reserves.money_calendar.rate_days": "a calendar",
    "mechanisms.tech_valuation.multiples.choose_multiple": "probed through TechValuation",
    "mechanisms.analogs.nearest_windows.standardised": "probed through Analogs",
    "mechanisms.analogs.nearest_windows.window_distances": (
        "compares all rows with the last; probed through Analogs"
    ),
    "mechanisms.analogs.nearest_windows.window_picks": "picks among the distances of one date",
    "mechanisms.dealer_gamma.option_chain.check_chain": "options of one date",
    "mechanisms.dealer_gamma.option_chain.clock": "checks a parameter",
    "mechanisms.dealer_gamma.option_chain.live_contracts": "options of one date",
    "mechanisms.pension.sessions_left": "a calendar",
    "mechanisms.pension.weekdays_left": "a calendar",
    "mechanisms.futures_positioning.mechanism.ordinal": "words for a number",
    "mechanisms.dealer_gamma.implied.implied_carry": "options of one date",
    "mechanisms.number_formats.flow_range": "writes a number",
    "mechanisms.number_formats.number_format": "writes a number",
    "mechanisms.base.NoReading": "a mechanism that is unavailable",
    "mechanisms.base.Capital": "parameters",
    "mechanisms.base.Chart": "parameters",
    "mechanisms.base.DataFile": "parameters",
    "mechanisms.base.FeatureBuilder": "the contract of a family",
    "mechanisms.base.KeyNumber": "parameters",
    "mechanisms.base.MarketView": "what readings are made of",
    "mechanisms.base.Mechanism": "the contract of a mechanism",
    "mechanisms.base.MechanismReading": "a reading of one date",
    "labels.basket.Labeller": "the protocol of a labeller",
    "labels.basket.check_fall": "checks parameters",
    "labels.basket.make_labels": "assembles the result of the labellers",
    "labels.episodes.episode_phases": "the state machine of EpisodeLabels",
    "labels.episodes.spell_phases": "the state machine of JumpModelLabels",
    "models.calibration_curves.PlattCurve": "what fit_platt fitted",
    "models.calibration_curves.fit_platt": "fits the rows that `calibrated` passes",
    "models.calibration_curves.known_rows": (
        "the mask of `calibrated`; checked by brute force in the audit of folds"
    ),
    "models.linear_head.loadings": "signs and names alone",
    "models.linear_head.fit_logistic": "fits the rows of the classifier",
    "panel.calendar.business_days": "a calendar",
    "panel.calendar.instants": "a calendar",
    "panel.calendar.to_days": "a calendar",
    "panel.as_of.merge": "the loop of AsOf",
    "rules.base.averaged": "one step of an average, inside the rules",
    "rules.base.check_signals": "checks its input",
    "rules.base.fraction": "checks a parameter",
    "rules.base.signal": "reads one signal of one row",
    "models.conformal.ConformalState": "what AdaptiveConformal carries",
    "models.conformal.PredictionSet": "one set of AdaptiveConformal",
    "models.calibration_curves.IsotonicCurve": "what fit_isotonic fitted",
    "models.calibration_curves.fit_isotonic": "fits the rows that Recalibration passes",
    "models.calibration_curves.hull_after": "the geometry of both isotonic fits",
    "models.calibration_curves.hull_before": "the geometry of both isotonic fits",
    "models.calibration_curves.pooled_scores": "sums rows of equal score",
    "models.recalibration.log_odds": "row by row, without memory",
    "models.recalibration.with_stress": "row by row, without memory",
    "models.calibration_curves.VennAbers": "what fit_venn_abers prepared",
    "models.calibration_curves.fit_venn_abers": "prepares the rows that Recalibration passes",
    "splits.combinatorial.CombinatorialPurgedKFold": (
        "trains on both sides by design and makes no forecast; its purge is checked by brute "
        "force in its tests"
    ),
    "splits.labelled.PurgedSplits": "the protocol of a splitter",
    "splits.labelled.session_positions": "positions of dates",
    "splits.labelled.wrong_labels": "an error",
    "splits.labelled.LabelledSplits": "CombinatorialPurgedKFold for scikit-learn",
}
