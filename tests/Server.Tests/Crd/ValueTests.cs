using System.Text;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Server.Crd.Structure;

namespace Hanbae.Server.Tests.Crd;

/// <summary>Values held against schemas: numbers and formats as upstream's validator takes them, objects within objects, and what may stay wrong.</summary>
public sealed class ValueTests
{
    static Structural Of(string schema)
    {
        var reader = new JsonReader(Encoding.UTF8.GetBytes(schema));
        return Structural.Of(JSONSchemaProps.ReadJson(ref reader));
    }

    /// <summary>What is said of a value (and of what stood there before) in the field <c>a</c>.</summary>
    static string Said(string schema, string value, string? old = null) => string.Join("; ", SchemaValidator.Check(
        JsonValue.Parse($$"""{"a":{{value}}}"""), Of($$$"""{"type":"object","properties":{"a":{{{schema}}} } }"""), old is null ? null : JsonValue.Parse($$"""{"a":{{old}}}""")));

    const string Int32 = "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in a";
    const string NotInteger = "a: Invalid value: \"number\": a in body must be of type integer: \"number\"";

    [Theory]
    [InlineData("""{"type":"integer"}""", "7", "")]
    [InlineData("""{"type":"integer"}""", "7.0", "")]
    [InlineData("""{"type":"integer"}""", "9007199254740991.0", "")]
    [InlineData("""{"type":"integer"}""", "9007199254740993", "")]
    [InlineData("""{"type":"integer"}""", "1e17", NotInteger)]
    [InlineData("""{"type":"integer"}""", "92233720368547758070", NotInteger)]
    [InlineData("""{"type":"integer"}""", "1.5", NotInteger)]
    [InlineData("""{"type":"integer","format":"int32"}""", "2147483647", "")]
    [InlineData("""{"type":"integer","format":"int32"}""", "2147483648", Int32)]
    [InlineData("""{"type":"integer","format":"int32"}""", "-2147483649", Int32)]
    [InlineData("""{"type":"integer","format":"int32"}""", "3e9", Int32)]
    [InlineData("""{"type":"integer","format":"int64"}""", "2147483648", "")]
    [InlineData("""{"type":"integer","format":"float"}""", "2147483648", "")]
    [InlineData("""{"type":"integer","maximum":2.5}""", "1", "<nil>: Invalid value: \"\": Maximum boundary value must be of type integer (default format) in a")]
    [InlineData("""{"type":"integer","format":"int32","maximum":4294967296}""", "1", "<nil>: Invalid value: \"\": Maximum boundary value must be of type integer with format int32 in a")]
    [InlineData("""{"type":"number","format":"float"}""", "3.5e38", "<nil>: Invalid value: \"\": Checked value must be of type number with format float in a")]
    [InlineData("""{"type":"number","format":"float"}""", "3.4e38", "")]
    [InlineData("""{"type":"number","format":"double"}""", "3.5e38", "")]
    [InlineData("""{"type":"number","format":"int32"}""", "3.5e38", "")]
    [InlineData("""{"type":"integer","maximum":100000000}""", "100000001", "a: Invalid value: 100000001: a in body should be less than or equal to 100000000")]
    [InlineData("""{"type":"number","maximum":100000000}""", "100000001.5", "a: Invalid value: 1.000000015e+08: a in body should be less than or equal to 1e+08")]
    [InlineData("""{"type":"integer","minimum":9007199254740993}""", "9007199254740991", "a: Invalid value: 9007199254740991: a in body should be greater than or equal to 9007199254740992")]
    [InlineData("""{"type":"integer","minimum":1,"exclusiveMinimum":true}""", "1", "a: Invalid value: 1: a in body should be greater than 1")]
    [InlineData("""{"type":"number","minimum":0.5}""", "0.25", "a: Invalid value: 0.25: a in body should be greater than or equal to 0.5")]
    [InlineData("""{"type":"number","multipleOf":0.1}""", "0.3", "")]
    [InlineData("""{"type":"number","multipleOf":0.1}""", "0.35", "a: Invalid value: 0.35: a in body should be a multiple of 0.1")]
    [InlineData("""{"type":"integer","multipleOf":4}""", "6", "a: Invalid value: 6: a in body should be a multiple of 4")]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "1.5", "a: Invalid value: \"number\": a in body must be of type integer,string: \"number\"")]
    public void Numbers_are_counted_as_upstream_counts(string schema, string value, string said) => Assert.Equal(said, Said(schema, value));

    [Theory]
    [InlineData("quantity", "10Gi", "ten")]
    [InlineData("ipv4", "10.0.0.1", "fe80::1")]
    [InlineData("ipv4", "010.0.0.1", "1.2.3")]
    [InlineData("ipv6", "fe80::1", "10.0.0.1")]
    [InlineData("cidr", "10.0.0.0/8", "10.0.0.0/33")]
    [InlineData("mac", "00:00:5e:00:53:01", "00:00:5e:00:53")]
    [InlineData("mac", "02:00:5e:10:00:00:00:01", "02-00")]
    [InlineData("uuid3", "6fa459ea-ee8a-3ca4-894e-db77e160355e", "6fa459ea-ee8a-4ca4-894e-db77e160355e")]
    [InlineData("uuid4", "6fa459ea-ee8a-4ca4-894e-db77e160355e", "6fa459ea-ee8a-4ca4-094e-db77e160355e")]
    [InlineData("byte", "aGVsbG8=", "aGVsbG8")]
    [InlineData("byte", "aGVsbG8K", "")]
    [InlineData("date-time", "2026-01-31T10:00:00Z", "2026-02-31T10:00:00Z")]
    [InlineData("date-time", "2026-01-31t10:00:00.5+02:00", "2026-01-31 10:00:00Z")]
    [InlineData("date-time", "2026-01-31T10:00:59Z", "2026-01-31T10:00:60Z")]
    [InlineData("duration", "1h30m", "soon")]
    [InlineData("duration", "3 days", "3 moons")]
    [InlineData("hostname", "Example.com", "under_score")]
    [InlineData("email", "Ann <ann@example.com>", "ann")]
    [InlineData("creditcard", "4111-1111-1111-1111", "9111-1111-1111-1111")]
    [InlineData("ssn", "111-22-3333", "111223333")]
    [InlineData("uri", "https://example.com/x", "example")]
    [InlineData("k8s-short-name", "a-b", "A")]
    public void Formats_are_checked_as_upstreams_registry_checks(string format, string right, string wrong)
    {
        string schema = $$"""{"type":"string","format":"{{format}}"}""";
        Assert.Equal("", Said(schema, $"\"{right}\""));
        Assert.Equal($"a: Invalid value: \"{wrong}\": a in body must be of type {format}: \"{wrong}\"", Said(schema, $"\"{wrong}\""));
    }

    [Fact]
    public void What_nobody_knows_as_a_format_restricts_nothing()
    {
        Assert.Equal("", Said("""{"type":"string","format":"colour"}""", "\"x\""));
        Assert.Equal("a: Invalid value: \"array\": a in body must be of type string: \"array\"", Said("""{"type":"string","format":"colour"}""", "[]"));
    }

    const string MapList = """{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"integer","maximum":5},"w":{"type":"string"}}}}""";
    const string Over = "a[1].v: Invalid value: 9: a[1].v in body should be less than or equal to 5";

    [Theory]
    [InlineData("""[{"k":"y","v":1},{"k":"x","v":9,"w":"new"}]""", """[{"k":"x","v":9}]""", "")]
    [InlineData("""[{"k":"y","v":1},{"k":"z","v":9}]""", """[{"k":"x","v":9}]""", Over)]
    [InlineData("""[{"k":"y","v":1},{"k":"x","v":9}]""", """[{"k":"x","v":8}]""", Over)]
    public void Items_of_a_map_are_told_apart_by_key_so_what_was_wrong_in_one_may_stay(string now, string before, string said) => Assert.Equal(said, Said(MapList, now, before));

    const string Holder = """{"type":"object","properties":{"template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}""";

    [Theory]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"any":1}""", "")]
    [InlineData("""{"kind":"Pod"}""", "spec.template.apiVersion: Required value")]
    [InlineData("""{"apiVersion":"v1","kind":""}""", "spec.template.kind: Required value")]
    [InlineData("""{"apiVersion":"a/b/c","kind":"Pod"}""", "spec.template.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a/b"}}""", "spec.template.metadata.name: Invalid value: \"a/b\": may not contain '/'")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"a":"b c"}}}""", "spec.template.metadata.labels: Invalid value: \"b c\": ")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"A"}}""", "spec.template.metadata.namespace: Invalid value: \"A\": ")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x"}]}}""", "spec.template.metadata.ownerReferences.uid: Invalid value: \"\": uid must not be empty")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","metadata":7}""", "spec.template.metadata: Invalid value: 7: json: cannot unmarshal number into Go value of type v1.ObjectMeta")]
    public async Task An_object_within_an_object_is_named_as_objects_are(string template, string said)
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing(Holder));
        var answer = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", $$"""{"template":{{template}}}"""));
        Assert.Equal(said.Length == 0 ? 201 : 422, answer.Code);
        Assert.Contains(said.Length == 0 ? "\"any\":1" : said, said.Length == 0 ? answer.Body : answer.Message);
    }

    [Fact]
    public async Task Items_of_a_list_that_keeps_what_it_does_not_know_keep_it_too()
    {
        await using var rig = await CrdRig.StartAsync();
        await rig.DefineAsync(CrdRig.Thing("""{"type":"object","properties":{"list":{"type":"array","x-kubernetes-preserve-unknown-fields":true,"items":{"type":"object","properties":{"in":{"type":"object","properties":{"a":{"type":"string"}}}}}}}}"""));
        var made = await rig.Test.PostAsync(CrdRig.Things, CrdRig.Object("a", """{"list":[{"in":{"a":"x","b":1},"more":{"c":1}}]}"""));
        Assert.Equal("""{"list":[{"in":{"a":"x"},"more":{"c":1}}]}""", made.Text("spec"));
    }

    [Fact]
    public async Task Formats_that_nobody_knows_are_warned_of_once()
    {
        await using var rig = await CrdRig.StartAsync();
        static string Define(string b) => CrdRig.Thing($$$"""{"type":"object","properties":{"a":{"type":"string","format":"colour"},"b":{"type":"integer","format":"{{{b}}}"} } }""");
        var made = await rig.Test.PostAsync(CrdRig.Definitions, Define("int32"));
        Assert.Equal(["299 - \"unrecognized format \\\"colour\\\"\""], made.Headers.Where(h => h.Key == "Warning").SelectMany(h => h.Value));
        var changed = await rig.Test.SendAsync("PATCH", CrdRig.Definitions + "/things.example.com", Define("date"), "application/merge-patch+json");
        Assert.Equal(["299 - \"unrecognized format \\\"date\\\"\""], changed.Headers.Where(h => h.Key == "Warning").SelectMany(h => h.Value));
    }
}
