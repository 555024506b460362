// What the endpoints of one server share.

using NanoFlow.Engine;
using NanoFlow.Server.Metrics;

namespace NanoFlow.Server;

internal sealed record ServerState(
    ServerOptions Options,
    ServedModel Model,
    InferenceEngine Engine,
    ServerMetrics Metrics,
    Lifecycle Lifecycle);
