// Which plans run the steps, and how often one was given up because it was no faster.

using System.Diagnostics.Metrics;
using NanoFlow.Engine;

namespace NanoFlow.Server.Metrics;

internal static class PlanMetrics
{
    public static void Create(Meter meter, InferenceEngine engine)
    {
        var counters = engine.Counters;
        meter.CreateObservableCounter(
            "nanoflow.plan_steps",
            () => counters.Plans.Select(plan => new Measurement<long>(
                plan.Steps, new KeyValuePair<string, object?>("plan", plan.Plan))),
            null,
            "Steps by the plan that ran them: sequential, or rows x decode rows x context of the "
            + "mix that the plan was found for.");
        meter.CreateObservableGauge(
            "nanoflow.plans_active",
            () => counters.FavouredPlans,
            null,
            "Plans that run the steps near their mix; others are not faster at present.");
        meter.CreateObservableCounter(
            "nanoflow.plan_fallbacks",
            () => counters.PlanFallbacks,
            null,
            "Plans given up for the sequential one, because their steps took longer.");
        meter.CreateObservableCounter(
            "nanoflow.plan_returns",
            () => counters.PlanReturns,
            null,
            "Plans taken up again, because their steps took less time.");
    }
}
