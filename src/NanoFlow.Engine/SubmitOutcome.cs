namespace NanoFlow.Engine;

public enum SubmitOutcome
{
    Accepted,

    /// <summary>MaxQueuedRequests wait already.</summary>
    QueueFull,

    /// <summary>MaxQueuedTokens wait already.</summary>
    TokenQueueFull,

    /// <summary>The engine finishes what it has and takes nothing new.</summary>
    Draining,

    /// <summary>The engine has failed; see <see cref="InferenceEngine.Failure"/>.</summary>
    Failed,
}

public enum EngineHealth
{
    Healthy,

    /// <summary>A step takes longer than StallAfter. It may recover.</summary>
    Stalled,

    /// <summary>For good: only Dispose makes sense.</summary>
    Failed,
}
