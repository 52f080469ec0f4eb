using Hanbae.Api.Json;

namespace Hanbae.Machinery.Tests;

/// <summary>Random documents of few names, so that two of them meet in many places.</summary>
static class RandomJson
{
    static readonly string[] _names = ["a", "b", "c", "a/b", "m~n", "0"];

    public static JsonObject Object(Random random, int depth) =>
        JsonObject.Of([.. Enumerable.Range(0, random.Next(5)).Select(_ => (_names[random.Next(_names.Length)], Value(random, depth - 1)))]);

    public static JsonValue Value(Random random, int depth) => random.Next(depth > 0 ? 9 : 5) switch
    {
        0 => JsonNull.Instance,
        1 => random.Next(2) == 0,
        2 or 3 => random.Next(3),
        4 => _names[random.Next(_names.Length)],
        5 or 6 => JsonArray.Of([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1))]),
        _ => Object(random, depth),
    };
}
