using System.Buffers;
using System.Text;
using Hanbae.Api.Core.V1;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Tests.Cache;

/// <summary>Bytes that are kept in parts are the bytes that were given.</summary>
public sealed class SharedBytesTests
{
    static string Set(string name) =>
        """{"f:data":{".":{},"f:NAME":{},"k:{\"a\":\"}{\\\"\"}":{}},"f:metadata":{"f:annotations":{".":{},"f:one-that-is-long":{},"f:two-that-is-long":{}}}}""".Replace("NAME", name);

    static string Entry(string set) => $$$"""{"manager":"m","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{{{set}}}}""";

    static string Stored(string name, params string[] sets) =>
        $$$"""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"{{{name}}}","namespace":"default","uid":"u-1","labels":{"a":"b"},"annotations":{"x":"\"fieldsV1\":{\"f:"},"managedFields":[{{{string.Join(",", sets.Select(Entry))}}}]},"data":{"k":"{\"fieldsV1\":{\"f:a\":{}}"}}""";

    static string Text(SharedBytes bytes)
    {
        var to = new ArrayBufferWriter<byte>();
        bytes.WriteTo(to);
        Assert.Equal(bytes.Length, to.WrittenCount);
        Assert.Equal(bytes.ToArray(), to.WrittenSpan.ToArray());
        return Encoding.UTF8.GetString(to.WrittenSpan);
    }

    [Fact]
    public void What_is_read_is_what_was_stored_with_the_revision()
    {
        string stored = Stored("a", Set("x"), """{"f:a":{}}""", Set("y"));
        var item = Item.FromStored(ConfigMap.Info, "default/a", 7, Encoding.UTF8.GetBytes(stored));
        Assert.Equal(stored.Replace("\"u-1\"", "\"u-1\",\"resourceVersion\":\"7\""), Text(item.Json));
        Assert.True(item.HasContent(Encoding.UTF8.GetBytes(stored)));
        Assert.False(item.HasContent(Encoding.UTF8.GetBytes(stored.Replace("f:y", "f:z"))));
        Assert.Equal(Text(item.Json).Replace("\"7\"", "\"8\""), Text(item.At(8).Json));
        Assert.Equal("b", item.Labels["a"]);
    }

    [Fact]
    public void Equal_sets_stand_in_memory_once_and_every_encoding_has_them()
    {
        var items = Enumerable.Range(0, 3).Select(i => Item.FromStored(ConfigMap.Info, "default/a" + i, 7, Encoding.UTF8.GetBytes(Stored("a" + i, Set("x"), Set("y"))))).ToArray();
        int set = Set("x").Length - 2;
        foreach (var item in items)
        {
            Assert.Equal(2 * set, item.Json.Length - item.Json.Own.Length);
            Assert.Equal(2 * set, item.Proto.Length - item.Proto.Own.Length);
            var proto = (ConfigMap)ConfigMap.Info.ReadProto(item.Proto.ToArray());
            Assert.Equal(item.Object, proto);
            Assert.Equal([Set("x"), Set("y")], proto.Metadata.ManagedFields.Select(f => f.FieldsV1.ToString()));
            Assert.Equal(Text(item.Json), Encoding.UTF8.GetString(ConfigMap.Info.ToJson(proto)));
            Assert.Equal(proto.Metadata, item.ReadMetadata());
        }
    }

    [Theory]
    [InlineData("""{"metadata":{"uid":"u","managedFields":[{"fieldsV1":{"f:""")]
    [InlineData("""{"metadata":{"uid":"u","managedFields":[{"fieldsV1":{"f:a":{"\""")]
    public void What_does_not_end_is_kept_as_it_is(string broken)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(broken);
        Assert.Equal(bytes, SharedBytes.OfJson(bytes).ToArray());
    }
}
