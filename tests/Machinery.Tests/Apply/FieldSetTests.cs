using System.Text;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Tests.Apply;

/// <summary>FieldsV1 as upstream writes and reads it, and the algebra of sets.</summary>
public sealed class FieldSetTests
{
    static FieldSet Read(string json) => FieldsV1.Read(Encoding.UTF8.GetBytes(json));
    static string Write(FieldSet set) => Encoding.UTF8.GetString(FieldsV1.Write(set));

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"f:a":{},"f:b":{".":{},"f:c":{}}}""")]
    [InlineData("""{"f:b":{},"k:{\"a\":1,\"b\":\"x\"}":{".":{},"f:c":{}},"v:\"x\"":{},"v:true":{},"i:7":{}}""")]
    [InlineData("""{"f:a\"b\u003c":{},"f:a.b/c":{}}""")]
    public void What_is_canonical_comes_back_as_it_was(string json) => Assert.Equal(json, Write(Read(json)));

    [Fact]
    public void Elements_are_sorted_by_kind_and_value_rather_than_by_text() => Assert.Equal(
        """{"f:a":{},"f:b":{},"k:{\"n\":9}":{},"k:{\"n\":10}":{},"v:2":{},"v:10":{},"v:\"1\"":{},"v:false":{},"i:2":{},"i:10":{}}""",
        Write(Read("""{"i:10":{},"i:2":{},"v:false":{},"v:\"1\"":{},"v:10":{},"v:2":{},"k:{\"n\":10}":{},"k:{\"n\":9}":{},"f:b":{},"f:a":{}}""")));

    [Fact]
    public void A_key_is_sorted_by_name() => Assert.Equal("""{"k:{\"a\":1,\"b\":2}":{}}""", Write(Read("""{ "k:{\"b\":2, \"a\":1}" : { } }""")));

    [Theory]
    [InlineData("""{"x":{}}""")]
    [InlineData("""{"k:7":{}}""")]
    [InlineData("""{"v:{":{}}""")]
    [InlineData("""{"i:x":{}}""")]
    [InlineData("""[1]""")]
    [InlineData("""{"f:a":{}""")]
    public void What_is_no_field_set_is_refused(string json) => Assert.Throws<ApplyException>(() => Read(json));

    [Fact]
    public void Equal_sets_share_their_bytes() =>
        Assert.Same(FieldsV1.Write(FieldSet.OfFields("spec.shared", "metadata.labels")), FieldsV1.Write(Read("""{"f:spec":{"f:shared":{}},"f:metadata":{"f:labels":{}}}""")));

    [Fact]
    public void Sets_are_joined_met_and_subtracted()
    {
        var (a, b) = (FieldSet.OfFields("x", "x.y", "z.w"), FieldSet.OfFields("x", "z.w", "z.v"));
        Assert.Equal(FieldSet.OfFields("x", "x.y", "z.w", "z.v"), a.Union(b));
        Assert.Equal(FieldSet.OfFields("x", "z.w"), a.Intersection(b));
        Assert.Equal(FieldSet.OfFields("x.y"), a.Difference(b));
        Assert.True(a.RecursiveDifference(b).IsEmpty);
        Assert.Same(a, a.Difference(FieldSet.OfFields("q")));
        Assert.Same(a, a.Union(FieldSet.OfFields("x.y")));
    }

    [Fact]
    public void Paths_are_shown_as_conflicts_show_them() => Assert.Equal(".spec.ports[port=80,protocol=\"TCP\"].name\n.tags[=\"x\"]\n.list[0]".Split('\n').Order(),
        Read("""{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:name":{}}}},"f:tags":{"v:\"x\"":{}},"f:list":{"i:0":{}}}""").ToString().Split('\n').Order());
}
