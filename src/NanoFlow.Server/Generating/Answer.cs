// One answer as a wire format sees it: what all its parts share, and the choices with their pieces.

using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal sealed record Answer(ResponseHead Head, TextRun Run)
{
    public TextRequest Request => Run.Request;

    public IReadOnlyList<Choice> Choices => Run.Choices;

    /// <summary>Until now; final when every choice is finished.</summary>
    public Usage Usage => Run.Usage;
}
