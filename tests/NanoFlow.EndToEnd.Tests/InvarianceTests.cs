// Where memory is short, sequences lose their pages and are computed again. Nobody may see it.

namespace NanoFlow.EndToEnd.Tests;

public sealed class InvarianceTests
{
    // Short prompts that grow long: they are let in together and do not fit together for long.
    private static readonly LoadShape Shape =
        LoadShape.TinyLlama with { MaxPrompt = 40, MinNew = 100, MaxNew = 300 };

    [Fact]
    public async Task Answers_WithPreemption_AreThoseOfARoomyServer()
    {
        var requests = LoadWorkload.Create(seed: 5, 96, Shape);
        var (roomy, none) = await AskAllAsync(requests, "64m");
        // 448 tokens: the longest request fits, a dozen of them do not.
        var (tight, preemptions) = await AskAllAsync(requests, "256k");

        Assert.Equal(0, none);
        Assert.True(preemptions > 0, "nothing was preempted");
        Assert.Equal(roomy, tight);
        TestContext.Current.TestOutputHelper?.WriteLine($"{preemptions} preemptions");
    }

    private static async Task<(LoadAnswer[] Answers, double Preemptions)> AskAllAsync(
        LoadRequest[] requests, string memory)
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(
            LoadWorkload.TinyLlama,
            "--kv-cache-memory-bytes", memory, "--max-num-seqs", "32", "--max-model-len", "400");
        await using var running = process;
        using var http = client;
        var answers = await Task.WhenAll(requests.Select((request, index) =>
            index % 2 == 0 ? request.AskStreamAsync(client) : request.AskWholeAsync(client)));
        var page = await MetricsPage.UntilIdleAsync(client);
        return (answers, page["nanoflow_num_preemptions_total"]);
    }
}
