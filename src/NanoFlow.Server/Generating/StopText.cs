// Stop strings as the engine sees them: the same code that cuts the text of the answer decides,
// token by token, that a sequence ends.

using NanoFlow.Scheduling;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Generating;

internal sealed class StopText(TextStream text) : IStopCondition
{
    public bool Append(int token)
    {
        var stops = text.Append(token);
        text.Take();
        return stops;
    }
}
