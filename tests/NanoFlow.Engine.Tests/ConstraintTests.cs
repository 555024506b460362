// What constraints allow is what comes out, though a step is submitted before the token of the step
// before it is known.

using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public sealed class ConstraintTests : IDisposable
{
    private const int Vocab = 500; // of the model's, the part that the tests use
    private const int NewTokens = 40;

    private static readonly EngineOptions Options = new()
    {
        MaxSequences = 8,
        MaxBatchedTokens = 32,
        BlockSize = 16,
        MaxModelLength = 256,
        KvCacheBytes = 1 << 22,
        Threads = 1,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("nanoflow-engine").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Model_ConstrainedAmongOthers_FollowsTheConstraint()
    {
        using var engine = InferenceEngine.Load(OpenModel(), Options);
        var chains = Enumerable.Range(0, 20)
            .Select(i => i % 3 == 0 ? null : new Chain(i)).ToArray();
        var generations = chains.Select((chain, i) => new Generation(new GenerationRequest
        {
            Prompt = Enumerable.Range(i, 1 + i * 3).ToArray(),
            MaxNewTokens = NewTokens,
            Constraint = chain,
            Sampling = new SamplingParams { Seed = (ulong)i },
        })).ToArray();
        Assert.All(generations, g => Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(g)));

        for (var i = 0; i < generations.Length; i++)
        {
            var tokens = (await generations[i].ReadAll()).Select(t => t.Token).ToArray();
            Assert.Equal(NewTokens, tokens.Length);
            if (chains[i] is { } chain)
            {
                Assert.Equal(chain.Expected(NewTokens), tokens);
                Assert.Equal(tokens, chain.Seen);
            }
        }
    }

    [Fact]
    public async Task Model_ConstraintAndAllowedTokens_BothHold()
    {
        using var engine = InferenceEngine.Load(OpenModel(), Options);
        var generation = new Generation(new GenerationRequest
        {
            Prompt = new[] { 1 },
            MaxNewTokens = NewTokens,
            Constraint = new EvenTokens(),
            Sampling = new SamplingParams { AllowedTokens = [3, 4, 5, 7, 33] },
        });
        engine.TrySubmit(generation);

        Assert.All(await generation.ReadAll(), token => Assert.Equal(4, token.Token));
    }

    private EngineModel OpenModel()
    {
        var path = Path.Combine(_folder, "model");
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed: 3);
        return EngineModel.From(ModelFolder.Open(path));
    }

    // Each token follows from the one before; a mask from an older state would be seen at once.
    private sealed class Chain : ITokenConstraint
    {
        private readonly int _first;
        private int _next;

        public Chain(int first)
        {
            _first = first;
            _next = first;
        }

        public List<int> Seen { get; } = [];

        public IEnumerable<int> Expected(int count)
        {
            var token = _first;
            for (var i = 0; i < count; i++)
            {
                yield return token;
                token = After(token);
            }
        }

        public void Append(int token)
        {
            Seen.Add(token);
            _next = After(token);
        }

        public void WriteMask(Span<uint> mask)
        {
            mask.Clear();
            mask[_next >> 5] |= 1u << (_next & 31);
        }

        private static int After(int token) => (token * 31 + 7) % Vocab;
    }

    private sealed class EvenTokens : ITokenConstraint
    {
        public void Append(int token)
        {
            // Its answer never changes.
        }

        public void WriteMask(Span<uint> mask) => mask.Fill(0x55555555);
    }
}
