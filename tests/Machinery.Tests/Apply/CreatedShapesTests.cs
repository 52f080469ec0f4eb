using System.Text;
using Hanbae.Machinery.Apply;

namespace Hanbae.Machinery.Tests.Apply;

/// <summary>What is taken over from an object created before is what comparing with a blank one tells.</summary>
public sealed class CreatedShapesTests
{
    static readonly byte[] s_blank = Encoding.UTF8.GetBytes("""{"kind":"T","apiVersion":"v1","spec":{"text":""}}""");
    static readonly ApplyType s_item = ApplyType.Structure(() => [new("name", ApplyType.String), new("image", ApplyType.String)]);

    static ApplyType NewType() => ApplyType.Structure(() =>
    [
        new("kind", ApplyType.String), new("apiVersion", ApplyType.String), new("labels", ApplyType.MapOf(ApplyType.String)), new("tags", ApplyType.SetOf(ApplyType.String)),
        new("spec", ApplyType.Structure(() => [new("text", ApplyType.String), new("items", ApplyType.KeyedList(s_item, "name"))])),
    ]);

    sealed class OneVersion(ApplyType type) : IVersions
    {
        public ApplyType? TypeOf(string apiVersion) => type;
        public byte[] Convert(byte[] json, string from, string to) => json;
    }

    static string Owned(ApplyType type, byte[] json)
    {
        var owners = new Ownership();
        Tracking.Update(owners, null, json, new() { Manager = "m", ApiVersion = "v1", Type = type, Now = DateTimeOffset.UnixEpoch, Blank = s_blank, Versions = new OneVersion(type) });
        return owners.IsEmpty ? "" : Assert.Single(owners.Write()).FieldsV1.ToString();
    }

    const string First = """{"kind":"T","apiVersion":"v1","labels":{"a":"1","b":"2"},"tags":["x"],"spec":{"text":"t","items":[{"name":"a","image":"i"}]}}""";

    [Theory]
    [InlineData(First)]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"another","b":"\\\""},"tags":["x"],"spec":{"text":"longer","items":[{"name":"a","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"1","b":"2"},"tags":["x"],"spec":{"text":"","items":[{"name":"a","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"1","c":"2"},"tags":["x"],"spec":{"text":"t","items":[{"name":"a","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"1","b":"2"},"tags":["y"],"spec":{"text":"t","items":[{"name":"a","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"1","b":"2"},"tags":["x"],"spec":{"text":"t","items":[{"name":"b","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"1","b":null},"tags":["x"],"spec":{"text":"t","items":[{"name":"a","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","labels":{"a":"1\",\"b\":\"2"},"tags":["x"],"spec":{"text":"t","items":[{"name":"a","image":"i"}]}}""")]
    [InlineData("""{"kind":"T","apiVersion":"v1","spec":{"text":""}}""")]
    public void A_second_object_is_owned_as_if_it_were_the_first(string second)
    {
        var (json, warm) = (Encoding.UTF8.GetBytes(second), NewType());
        Owned(warm, Encoding.UTF8.GetBytes(First));
        Assert.Equal(Owned(NewType(), json), Owned(warm, json));
    }
}
