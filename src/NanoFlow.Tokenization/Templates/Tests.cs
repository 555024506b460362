// What may stand after "is". One line each.

namespace NanoFlow.Tokenization.Templates;

internal static class Tests
{
    private static readonly Dictionary<string, Func<TemplateCall, bool>> Known = new()
    {
        ["defined"] = static call => !call.Input.IsUndefined,
        ["undefined"] = static call => call.Input.IsUndefined,
        ["none"] = static call => call.Input.Kind == ValueKind.None,
        ["boolean"] = static call => call.Input.Kind == ValueKind.Boolean,
        ["true"] = static call => call.Input.Kind == ValueKind.Boolean && call.Input.IsTrue,
        ["false"] = static call => call.Input.Kind == ValueKind.Boolean && !call.Input.IsTrue,
        ["integer"] = static call => call.Input.Kind == ValueKind.Integer,
        ["float"] = static call => call.Input.Kind == ValueKind.Float,
        ["number"] = static call => call.Input.IsNumber,
        ["string"] = static call => call.Input.Kind == ValueKind.String,
        ["mapping"] = static call => call.Input.Kind == ValueKind.Mapping,
        ["iterable"] = static call => call.Input.Kind is ValueKind.Undefined or ValueKind.String
            or ValueKind.List or ValueKind.Mapping,
        ["sequence"] = static call => call.Input.Kind is ValueKind.Undefined or ValueKind.String
            or ValueKind.List or ValueKind.Mapping,
        ["callable"] = static call => call.Input.Kind == ValueKind.Function,
        ["odd"] = static call => call.Input.Integer % 2 != 0,
        ["even"] = static call => call.Input.Integer % 2 == 0,
        ["divisibleby"] = static call => call.Integer(0, "num", 0) is not 0 and var divisor
            && call.Input.Integer % divisor == 0,
        ["lower"] = static call => !call.InputText.Any(char.IsUpper),
        ["upper"] = static call => !call.InputText.Any(char.IsLower),
        ["in"] = static call => ValueOperations.Contains(call.Argument(0), call.Input, call.State),
        ["eq"] = IsEqual,
        ["equalto"] = IsEqual,
        ["=="] = IsEqual,
        ["ne"] = static call => !IsEqual(call),
        ["!="] = static call => !IsEqual(call),
        ["lt"] = static call => Order(call) < 0,
        ["lessthan"] = static call => Order(call) < 0,
        ["le"] = static call => Order(call) <= 0,
        ["gt"] = static call => Order(call) > 0,
        ["greaterthan"] = static call => Order(call) > 0,
        ["ge"] = static call => Order(call) >= 0,
    };

    public static TemplateFunction? Find(string name) =>
        Known.TryGetValue(name, out var test) ? call => Value.Of(test(call)) : null;

    private static bool IsEqual(TemplateCall call) =>
        ValueOperations.AreEqual(call.Input, call.Argument(0), call.State);

    private static int Order(TemplateCall call) =>
        ValueOperations.Compare(call.Input, call.Argument(0), call.State);
}
