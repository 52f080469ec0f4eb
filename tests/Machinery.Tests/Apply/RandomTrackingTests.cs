using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Tests.Apply;

/// <summary>Random updates and applies: after each, the account, the object and the conflicts are those of <see cref="SlowTracking"/>.</summary>
public sealed class RandomTrackingTests
{
    const int Sequences = 150, Writes = 14;
    static readonly string[] s_managers = ["a", "b", "c"];

    static readonly ApplyType s_item = ApplyType.Structure(() => [new("k", ApplyType.String), new("v", ApplyType.Number), new("w", ApplyType.Number), new("m", ApplyType.MapOf(ApplyType.Number))]);
    static readonly ApplyType s_type = ApplyType.Structure(() =>
    [
        new("x", ApplyType.Number), new("map", ApplyType.MapOf(ApplyType.Number)), new("items", ApplyType.KeyedList(s_item, "k")), new("tags", ApplyType.SetOf(ApplyType.String)),
        new("atom", ApplyType.AtomicListOf(ApplyType.Number)), new("in", ApplyType.Structure(() => [new("p", ApplyType.Number), new("q", ApplyType.Number), new("deep", s_item)])),
        new("any", ApplyType.Deduced),
    ]);

    sealed class OneVersion : IVersions
    {
        public ApplyType? TypeOf(string apiVersion) => s_type;
        public byte[] Convert(byte[] json, string from, string to) => json;
    }

    static JsonValue Value(Random random, ApplyType type, bool update)
    {
        JsonArray List(Func<string, JsonValue> item) => JsonArray.Of([.. "abc".Where(_ => random.Next(2) == 0).Select(c => item(c.ToString()))]);
        JsonObject Map() => JsonObject.Of([.. "abc".Where(_ => random.Next(2) == 0).Select(c => (c.ToString(), (JsonValue)random.Next(3)))]);
        switch (type.Merging)
        {
            case Merging.Set: return List(c => c);
            case Merging.Keyed: return List(c => ((JsonObject)Value(random, type.Element!, update)).With("k", c));
            case Merging.Deduced: return random.Next(3) == 0 ? random.Next(3) : Map();
            case Merging.Leaf when type.Form == LeafForm.List: return JsonArray.Of([.. Enumerable.Range(0, random.Next(3)).Select(_ => (JsonValue)random.Next(2))]);
            case Merging.Leaf: return random.Next(3);
        }
        if (type.Element is not null) return Map();
        var result = JsonObject.Empty;
        foreach (string name in (string[])["x", "map", "items", "tags", "atom", "in", "any", "p", "q", "deep", "v", "w", "m"])
            if (type.Declares(name) && random.Next(2) == 0) result = result.With(name, Value(random, type.Member(name)!, update));
        return result;
    }

    [Fact]
    public void The_account_is_that_of_the_slow_one()
    {
        int seed = Environment.TickCount;
        for (int i = 0; i < Sequences; i++)
        {
            string story = $"seed {seed + i}";
            var random = new Random(seed + i);
            var slow = new SlowTracking(s_type, "v1");
            Api.Seq<Api.Meta.V1.ManagedFieldsEntry> entries = default;
            byte[]? live = null;
            for (int n = 0; n < Writes; n++)
            {
                string manager = s_managers[random.Next(s_managers.Length)];
                bool update = random.Next(3) == 0, force = random.Next(2) == 0;
                var body = SlowTracking.WithoutNulls((JsonObject)Value(random, s_type, update));
                story += $"\n{manager} {(update ? "updates" : force ? "forces" : "applies")} {body}";
                var write = new FieldWrite { Manager = manager, ApiVersion = "v1", Type = s_type, Now = DateTimeOffset.UnixEpoch, Blank = "{}"u8.ToArray(), Versions = new OneVersion() };
                var owners = Ownership.Read(entries);
                if (update)
                {
                    byte[] now = body.ToUtf8();
                    Tracking.Update(owners, live, now, write);
                    live = now;
                    slow.Update(manager, body);
                }
                else
                {
                    SortedSet<string> conflicts = [];
                    try
                    {
                        if (Tracking.Apply(owners, live, body, write, force) is { } merged) live = SlowTracking.WithoutNulls(merged).ToUtf8();
                        live ??= "{}"u8.ToArray();
                    }
                    catch (ConflictException e)
                    {
                        conflicts = [.. e.Conflicts.Select(c => c.Owner.Manager + (c.Owner.Applies ? " Apply" : " Update") + c.Field.Replace("\"", ""))];
                        owners = Ownership.Read(entries);
                    }
                    var expected = slow.Apply(manager, body, force);
                    Assert.True(conflicts.SetEquals(expected.Select(c => c.Replace("\"", ""))), $"{story}\nconflicts: {string.Join(" ", conflicts)}\nexpected: {string.Join(" ", expected)}");
                }
                entries = owners.Write();
                string account = string.Join("\n", entries.OrderBy(e => e.Manager + " " + e.Operation, StringComparer.Ordinal).Select(e =>
                    $"{e.Manager} {e.Operation} {e.ApiVersion}: {string.Join(" ", FieldsV1.Read(e.FieldsV1.Span).Paths().Select(p => string.Concat(p)).Order(StringComparer.Ordinal))}"));
                var same = slow.Owners.ToDictionary(o => o.Key, o => string.Join(" ", o.Value.Order(StringComparer.Ordinal)));
                string reference = string.Join("\n", same.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key} v1: {o.Value}"));
                Assert.True(account == reference, $"{story}\naccount:\n{account}\nexpected:\n{reference}");
                string shown = SlowTracking.Sorted(JsonValue.Parse(live!), s_type), wanted = SlowTracking.Sorted(slow.Live, s_type);
                Assert.True(shown == wanted, $"{story}\nobject:   {shown}\nexpected: {wanted}");
            }
        }
    }
}
