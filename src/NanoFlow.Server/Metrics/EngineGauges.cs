// What the engine shows of itself, read when somebody asks.

using System.Diagnostics.Metrics;
using NanoFlow.Engine;

namespace NanoFlow.Server.Metrics;

internal static class EngineGauges
{
    public static void Create(Meter meter, InferenceEngine engine)
    {
        var counters = engine.Counters;
        meter.CreateObservableGauge(
            "nanoflow.num_requests_running",
            () => counters.Running,
            null,
            "Sequences that take part in steps.");
        meter.CreateObservableGauge(
            "nanoflow.num_requests_waiting",
            () => counters.Waiting,
            null,
            "Sequences that wait to be admitted.");
        meter.CreateObservableGauge(
            "nanoflow.kv_cache_usage_perc",
            () => counters.KvCacheUsage,
            null,
            "Share of the KV pages in use; 1 is all.");
        meter.CreateObservableCounter(
            "nanoflow.num_preemptions",
            () => counters.Preemptions,
            null,
            "Sequences that gave their KV pages to another and were computed again.");
        meter.CreateObservableCounter(
            "nanoflow.steps",
            () => counters.Steps,
            null,
            "Passes of a batch through the model.");
        meter.CreateObservableCounter(
            "nanoflow.step_rows",
            () => counters.Rows,
            null,
            "Tokens computed, those of prompts and those generated.");
        meter.CreateObservableCounter(
            "nanoflow.wasted_tokens",
            () => counters.WastedTokens,
            null,
            "Tokens computed past the end of an answer.");
        meter.CreateObservableCounter(
            "nanoflow.device_busy",
            () => counters.DeviceMicroseconds / 1e6,
            "s",
            "Time the device spent on steps.");
    }
}
