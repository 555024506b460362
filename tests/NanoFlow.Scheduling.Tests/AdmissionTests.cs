using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class AdmissionTests
{
    private static readonly SchedulerOptions Options = new()
    {
        MaxSequences = 64,
        MaxStepRows = 64,
        MaxPositions = 1024,
        PageTokens = 16,
        PageCount = 64,
    };

    [Fact]
    public void TryAdd_PeakDoesNotFit_KeepsWaiting()
    {
        var admission = new Admission(Options);
        admission.Begin([Sequence(700, 300)]);

        Assert.False(admission.TryAdd(Sequence(300, 100), isAlone: false));
        Assert.True(admission.TryAdd(Sequence(100, 100), isAlone: false));
    }

    [Fact]
    public void TryAdd_NothingElseRuns_AlwaysAdmits()
    {
        var admission = new Admission(Options);
        admission.Begin([]);

        Assert.True(admission.TryAdd(Sequence(1000, 24), isAlone: true));
        Assert.False(admission.TryAdd(Sequence(16, 24), isAlone: false));
    }

    [Fact]
    public void TryAdd_OutputsTurnOutLong_AdmitsFewer()
    {
        var before = AdmittedTogether(new Admission(Options));
        var taught = new Admission(Options);
        for (var i = 0; i < 100; i++)
        {
            taught.Learn(400);
        }

        Assert.InRange(taught.MeanOutputTokens, 399, 401);
        Assert.True(AdmittedTogether(taught) < before);
    }

    [Fact]
    public void PeakPages_AnyMix_CoversTheTrueSawTooth()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var sequences = new Sequence[random.Next(1, 40)];
            for (var i = 0; i < sequences.Length; i++)
            {
                sequences[i] = Sequence(random.Next(1, 500), random.Next(1, 500));
            }
            var admission = new Admission(Options);
            admission.Learn(random.Next(1, 400));
            admission.Begin(sequences);

            var truth = TruePeak(sequences, (int)admission.MeanOutputTokens);
            var tokensTooMany = sequences.Length * (admission.MeanOutputTokens / 32 + 16);
            Assert.InRange(admission.PeakPages(), truth, truth + tokensTooMany / 16 + 1);
        }
    }

    // Step by step, each growing to its expected end.
    private static long TruePeak(Sequence[] sequences, int mean)
    {
        var peak = 0L;
        for (var t = 0; t <= 500; t++)
        {
            var pages = 0L;
            foreach (var sequence in sequences)
            {
                var ends = Math.Min(Math.Max(mean, Options.PageTokens), sequence.MaxNewTokens);
                pages += t <= ends ? (sequence.PromptLength + t + 15) / 16 : 0;
            }
            peak = Math.Max(peak, pages);
        }
        return peak;
    }

    private static int AdmittedTogether(Admission admission)
    {
        admission.Begin([]);
        var count = 0;
        while (admission.TryAdd(Sequence(32, 500), isAlone: false))
        {
            count++;
        }
        return count;
    }

    private static Sequence Sequence(int prompt, int output) =>
        new(new int[prompt], output, SamplingParams.Greedy);
}
