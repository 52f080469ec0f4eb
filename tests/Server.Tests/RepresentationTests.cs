using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Auth;
using Microsoft.Extensions.Logging;

namespace Hanbae.Server.Tests;

/// <summary>The forms in which the same objects are answered.</summary>
public sealed class RepresentationTests
{
    const string Maps = "/api/v1/namespaces/default/configmaps";

    static async Task<TestServer> WithOneAsync()
    {
        var server = await TestServer.StartAsync();
        await server.CreateAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "default" }, Data = Api.Map.Of(("k", "v")) });
        return server;
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1beta1")]
    public async Task Tables_and_metadata_come_in_both_versions(string version)
    {
        await using var server = await WithOneAsync();
        string api = "meta.k8s.io/" + version;
        var table = await server.GetAsync(Maps, $"application/json;as=Table;v={version};g=meta.k8s.io");
        Assert.Equal((api, "Table", api), (table.Text("apiVersion"), table.Text("kind"), table.Text("rows", "0", "object", "apiVersion")));
        var one = await server.GetAsync(Maps + "/a", $"application/json;as=PartialObjectMetadata;v={version};g=meta.k8s.io");
        Assert.Equal((api, "PartialObjectMetadata", "a"), (one.Text("apiVersion"), one.Text("kind"), one.Text("metadata", "name")));
        var list = await server.GetAsync(Maps, $"application/json;as=PartialObjectMetadataList;v={version};g=meta.k8s.io");
        Assert.Equal((api, "PartialObjectMetadataList", api), (list.Text("apiVersion"), list.Text("kind"), list.Text("items", "0", "apiVersion")));
        var watch = await server.GetAsync(Maps + "?watch=1&timeoutSeconds=1", $"application/json;as=PartialObjectMetadata;v={version};g=meta.k8s.io");
        Assert.StartsWith($$"""{"type":"ADDED","object":{"kind":"PartialObjectMetadata","apiVersion":"{{api}}","metadata":{"name":"a",""", watch.Body);
    }

    [Theory]
    [InlineData("None", "null")]
    [InlineData("Metadata", "PartialObjectMetadata")]
    [InlineData("Object", "ConfigMap")]
    public async Task Rows_bring_as_much_of_the_object_as_asked_for(string include, string expected)
    {
        await using var server = await WithOneAsync();
        var table = await server.GetAsync($"{Maps}?includeObject={include}", "application/json;as=Table;v=v1;g=meta.k8s.io");
        string row = table.Text("rows", "0", "object");
        if (expected == "null") Assert.Equal("null", row);
        else Assert.Equal(expected, table.Text("rows", "0", "object", "kind"));
    }

    [Fact]
    public async Task Rows_bring_nothing_that_nobody_knows()
    {
        await using var server = await WithOneAsync();
        foreach (string watch in (string[])["", "&watch=1"])
        {
            var refused = await server.GetAsync($"{Maps}?includeObject=unrecognized{watch}", "application/json;as=Table;v=v1;g=meta.k8s.io");
            Assert.Equal((400, "Unable to convert to Table as requested: includeObject: Invalid value: \"unrecognized\": must be 'Metadata', 'Object', 'None', or empty"), (refused.Code, refused.Message));
        }
    }

    [Fact]
    public async Task A_table_comes_as_YAML_too()
    {
        await using var server = await WithOneAsync();
        var table = await server.GetAsync(Maps, "application/yaml;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal("application/yaml", table.ContentType);
        Assert.Contains("kind: Table\n", table.Body);
    }

    [Fact]
    public async Task Metadata_comes_as_protobuf_too()
    {
        await using var server = await WithOneAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps);
        request.Headers.TryAddWithoutValidation("Accept", "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        using var response = await server.Http.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        var message = Envelope.Message(body, out var type).ToArray();
        Assert.Equal(("meta.k8s.io/v1", "PartialObjectMetadataList"), (type.ApiVersion, type.Kind));
        var names = new List<string>();
        var reader = new ProtoReader(message);
        while (reader.Tag(out int field))
            if (field == 2) names.Add(((PartialObjectMetadata)PartialObjectMetadata.Info.ReadProto(reader.Span())).Metadata.Name);
            else reader.Skip();
        Assert.Equal(["a"], names);
    }

    [Fact]
    public async Task A_watch_in_protobuf_is_framed_by_length()
    {
        await using var server = await WithOneAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, Maps + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=1");
        request.Headers.TryAddWithoutValidation("Accept", "application/vnd.kubernetes.protobuf;stream=watch");
        using var response = await server.Http.SendAsync(request);
        Assert.Equal("application/vnd.kubernetes.protobuf;stream=watch", response.Content.Headers.ContentType!.ToString().Replace(" ", ""));
        ReadOnlyMemory<byte> rest = await response.Content.ReadAsByteArrayAsync();
        var types = new List<string>();
        while (rest.Length > 0)
        {
            int length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(rest.Span);
            types.Add(TypeOf(rest.Span.Slice(4, length)));
            rest = rest[(4 + length)..];
        }
        Assert.Equal(["ADDED", "BOOKMARK"], types);
    }

    /// <summary>Of a WatchEvent, whose object must be an enveloped ConfigMap.</summary>
    static string TypeOf(ReadOnlySpan<byte> message)
    {
        string type = "";
        var reader = new ProtoReader(message);
        while (reader.Tag(out int field))
            if (field == 1) type = reader.Pointer();
            else
            {
                var raw = reader.Sub();
                Assert.True(raw.Tag(out field) && field == 1);
                Envelope.Message(raw.Span(), out var kind);
                Assert.Equal("ConfigMap", kind.Kind);
            }
        return type;
    }

    [Theory]
    [InlineData("application/cbor")]
    [InlineData("application/cbor-seq")]
    [InlineData("application/json;as=Table;v=v2;g=meta.k8s.io")]
    [InlineData("application/json;g=meta.k8s.io;v=v1")]
    [InlineData("application/json;v=v1")]
    [InlineData("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io")]
    [InlineData("text/html")]
    public async Task What_is_not_served_is_not_acceptable(string accept)
    {
        await using var server = await WithOneAsync();
        var refused = await server.GetAsync(Maps, accept);
        Assert.Equal((406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"), (refused.Code, refused.Text("reason"), refused.Message));
        Assert.Equal(refused.Message, (await server.GetAsync(Maps + "?watch=1", accept)).Message);
        Assert.Equal(200, (await server.GetAsync(Maps, accept + ", application/json;q=0.5")).Code);
        Assert.Equal(415, (await server.SendAsync("POST", Maps, "x", "application/cbor")).Code);
    }

    [Fact]
    [Trait("Conformance", "[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata [Conformance]")]
    public async Task A_review_has_no_table()
    {
        var security = new Security(new());
        await using var server = await TestServer.StartAsync(o => security.AddTo(o) with { Authorizers = o.Authorizers });
        var refused = await server.SendAsync("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}""", accept: "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal((406, "NotAcceptable"), (refused.Code, refused.Text("reason")));
    }

    [Fact]
    public async Task Small_answers_are_not_compressed()
    {
        await using var server = await WithOneAsync();
        var plain = await server.SendAsync("GET", Maps, headers: ("Accept-Encoding", "gzip"));
        Assert.StartsWith("{\"kind\":\"ConfigMapList\"", plain.Body);
    }

    sealed class Lines : ILogger
    {
        public List<(int Id, LogLevel Level, string Text)> All { get; } = [];
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (All) All.Add((eventId.Id, logLevel, formatter(state, exception)));
        }
    }

    [Fact]
    public async Task A_failure_of_the_server_is_logged_once_without_the_query()
    {
        var lines = new Lines();
        await using var server = await TestServer.StartAsync(o => o with { Logger = lines, Paths = [new("/broken", false, _ => throw new InvalidOperationException("a bug"))] });
        Assert.Equal(500, (await server.GetAsync("/broken?token=secret")).Code);
        Assert.Equal(404, (await server.GetAsync(Maps + "/none")).Code);
        var line = Assert.Single(lines.All);
        Assert.Equal((2001, LogLevel.Error, "GET /broken of system:anonymous failed: the request was answered 500"), line);
    }
}
