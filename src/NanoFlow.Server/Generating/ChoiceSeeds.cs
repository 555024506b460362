// The seeds of the choices of one request. With a seed in the request, a prompt's choices do not
// depend on the prompts beside it; without one every choice gets a new seed from the engine.

using NanoFlow.Engine;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Generating;

internal readonly struct ChoiceSeeds(GenerationSettings settings, InferenceEngine engine)
{
    // Far apart for neighbouring choices: 2^64 divided by the golden ratio.
    private const ulong Step = 0x9E3779B97F4A7C15;

    public ulong Of(int choice) => settings.Seed is { } seed
        ? unchecked(seed + (ulong)(choice % settings.N) * Step)
        : engine.NextSeed();
}
