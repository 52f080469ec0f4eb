using Hanbae.Api.Json;

namespace Hanbae.Api.Tests.Json;

/// <summary>Random documents for tests that hold for every document.</summary>
static class RandomJson
{
    static readonly string[] _texts = ["", "a", "name", "<&>", "\"q\\", "línea\n", "\u2028", "🚢", "\u0001", "app.kubernetes.io/name"];

    public static JsonValue Value(Random random, int depth) => random.Next(depth > 0 ? 8 : 5) switch
    {
        0 => JsonNull.Instance,
        1 => JsonBool.Of(random.Next(2) == 0),
        2 => random.NextInt64(long.MinValue, long.MaxValue),
        3 => BitConverter.Int64BitsToDouble(random.NextInt64()) is var d && double.IsFinite(d) && Math.Truncate(d) != d ? d : 0.5,
        4 => _texts[random.Next(_texts.Length)],
        5 => JsonArray.Of([.. Enumerable.Range(0, random.Next(5)).Select(_ => Value(random, depth - 1))]),
        _ => JsonObject.Of([.. Enumerable.Range(0, random.Next(random.Next(10) == 0 ? 30 : 5)).Select(i => (_texts[random.Next(_texts.Length)] + i, Value(random, depth - 1)))]),
    };
}
