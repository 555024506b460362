// The choices of one request, from submission to their last token. Leaving early, for whatever
// reason, cancels what still runs.

using NanoFlow.Engine;
using NanoFlow.Scheduling;
using NanoFlow.Server.Protocol;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Generating;

internal sealed class TextRun : IDisposable
{
    private readonly List<Choice> _choices = [];
    private readonly RequestTimes _times;

    private TextRun(TextRequest request, RequestTimes times)
    {
        Request = request;
        _times = times;
    }

    public TextRequest Request { get; }
    public IReadOnlyList<Choice> Choices => _choices;

    public Responses.Usage Usage
    {
        get
        {
            var generated = 0;
            var reasoning = 0;
            foreach (var choice in _choices)
            {
                generated += choice.TokenCount;
                reasoning += choice.ReasoningTokenCount;
            }

            return new Responses.Usage(Request.PromptTokens, generated, reasoning);
        }
    }

    /// <summary>From submission to admission of the first choice; null if it never was.</summary>
    public TimeSpan? QueueTime => _choices.Count > 0 ? _choices[0].Generation.QueueTime : null;

    /// <summary>Submits every choice, or none.</summary>
    public static TextRun Start(
        TextRequest request, ServedModel model, InferenceEngine engine, RequestTimes times)
    {
        var run = new TextRun(request, times);
        try
        {
            run.SubmitAll(model, engine);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Waits until a choice has tokens to append; false at its proper end.</summary>
    public async ValueTask<bool> WaitAsync(Choice choice, CancellationToken cancel)
    {
        var hasMore = await choice.Generation.WaitAsync(cancel);
        if (Request.PromptOf(choice.Index) is { ScoredEcho: not null } prompt)
        {
            choice.Echo(prompt, Request.LogProbs ?? 0);
        }

        if (hasMore)
        {
            return true;
        }

        choice.Finish();
        if (choice.FinishReason is null)
        {
            cancel.ThrowIfCancellationRequested();
            throw new RequestRefusedException(
                ApiError.EngineFailed("the engine could not finish this request"));
        }

        return false;
    }

    public bool TryAppend(Choice choice)
    {
        if (!choice.Generation.TryRead(out var token))
        {
            return false;
        }

        choice.Append(token);
        choice.LastTokenAt = _times.OnToken(choice.LastTokenAt);
        return true;
    }

    public void AppendReady(Choice choice)
    {
        while (TryAppend(choice))
        {
            // Each token only has to be appended.
        }
    }

    public void Cancel()
    {
        foreach (var choice in _choices)
        {
            choice.Generation.Cancel();
        }
    }

    public void Dispose() => Cancel();

    private void SubmitAll(ServedModel model, InferenceEngine engine)
    {
        var settings = Request.Settings;
        var text = new TextStreamOptions
        {
            Stops = new StopStrings(settings.StopStrings),
            IncludeStop = settings.IncludeStopString,
            SkipSpecialTokens = settings.SkipSpecialTokens,
            ShownTokens = Request.ShownTokens,
        };
        var ends = EndTokens(settings, model);
        var seeds = new ChoiceSeeds(settings, engine);
        for (var index = 0; index < Request.ChoiceCount; index++)
        {
            var prompt = Request.PromptOf(index);
            var generation = new Generation(new GenerationRequest
            {
                Prompt = prompt.Tokens,
                MaxNewTokens = prompt.NewTokens,
                PromptLogProbs = Request.ScoredWith,
                MinNewTokens = settings.MinTokens,
                EndTokens = ends,
                StopCondition = text.Stops.IsEmpty
                    ? null
                    : new StopText(new TextStream(model.Tokenizer, text)),
                Constraint = Request.NewConstraint(),
                Sampling = settings.Sampling with
                {
                    Seed = seeds.Of(index),
                    LogProbCount = Request.LogProbs,
                },
            });
            var outcome = engine.TrySubmit(generation);
            if (outcome != SubmitOutcome.Accepted)
            {
                throw new RequestRefusedException(Refusal(outcome));
            }

            _choices.Add(new Choice(
                index,
                generation,
                new TextStream(model.Tokenizer, text),
                Request.NewParser(),
                new TokenNames(model.Tokenizer, settings.TokensAsTokenIds)));
        }
    }

    private static IReadOnlyList<int> EndTokens(GenerationSettings settings, ServedModel model) =>
        settings.IgnoreEos
            ? settings.StopTokens
            : [.. model.EndTokens.Union(settings.StopTokens)];

    /// <summary>What a client is told whose request the engine did not take.</summary>
    public static ApiError Refusal(SubmitOutcome outcome) => outcome switch
    {
        SubmitOutcome.QueueFull => ApiError.Overloaded(
            "too many requests are waiting; try again shortly"),
        SubmitOutcome.TokenQueueFull => ApiError.Overloaded(
            "too many prompt tokens are waiting; try again shortly"),
        SubmitOutcome.Draining => ApiError.Unavailable("the server is shutting down"),
        _ => ApiError.Unavailable("the engine has failed; the server must be restarted"),
    };
}
