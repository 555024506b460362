using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class WorkloadTests
{
    private static readonly TraceRow[] Trace =
    [
        new(new Lengths(10, 20), TimeSpan.Zero),
        new(new Lengths(1000, 5), TimeSpan.FromSeconds(1)),
        new(new Lengths(30, 2000), TimeSpan.FromSeconds(3)),
    ];

    [Fact]
    public void Random_NoRange_HasTheLengthsThatWereAskedFor()
    {
        var workload = Workload.Random(3, new(7, 5), rangeRatio: 0, seed: 1);

        Assert.All(workload.Requests, request => Assert.Equal(new(7, 5), request));
        Assert.Equal((21, 15, 12),
            (workload.InputTokens, workload.OutputTokens, workload.LongestTokens));
    }

    [Fact]
    public void Random_Range_IsFilledToBothEnds()
    {
        var workload = Workload.Random(2000, new(10, 1), rangeRatio: 0.5, seed: 2);

        Assert.Equal(
            Enumerable.Range(5, 11),
            workload.Requests.Select(request => request.Input).Distinct().Order());
        Assert.Equal(
            [1, 2], workload.Requests.Select(request => request.Output).Distinct().Order());
    }

    [Fact]
    public void Sample_Trace_DrawsItsRowsCutToTheLongest()
    {
        var workload = Workload.Sample(100, Trace, new(100, 50), seed: 3);

        Assert.Equal(
            [new Lengths(10, 20), new(30, 50), new(100, 5)],
            workload.Requests.Distinct().OrderBy(request => request.Input));
        Assert.Null(workload.Arrivals);
    }

    [Fact]
    public void Replay_Trace_KeepsOrderAndTimes()
    {
        var workload = Workload.Replay(Trace, new(100, 50), seed: 4);

        Assert.Equal(
            [new Lengths(10, 20), new(100, 5), new(30, 50)], workload.Requests);
        Assert.Equal(Trace.Select(row => row.Arrival), workload.Arrivals);
    }

    [Fact]
    public void Prompts_OfAWorkload_AreReproducibleAndAllDifferent()
    {
        var prompts = Enumerable.Range(0, 100).Select(index => Prompt(5, index)).ToArray();

        Assert.Equal(prompts, Enumerable.Range(0, 100).Select(index => Prompt(5, index)));
        Assert.Equal(100, prompts.DistinctBy(prompt => string.Join(',', prompt[..4])).Count());
        Assert.NotEqual(prompts[0], Prompt(6, 0));
        Assert.All(prompts.SelectMany(prompt => prompt), token => Assert.InRange(token, 10, 999));
    }

    [Fact]
    public void Prompts_SmallVocabulary_UsesAllOfIt()
    {
        var prompt = new int[500];
        Workload.Random(1, new(500, 1), 0, seed: 7).FillPrompt(0, prompt, 3, 6);

        Assert.Equal([3, 4, 5, 6], prompt.Distinct().Order());
    }

    private static int[] Prompt(int seed, int index)
    {
        var prompt = new int[16];
        Workload.Random(1, new(16, 1), 0, seed).FillPrompt(index, prompt, 10, 999);
        return prompt;
    }
}
