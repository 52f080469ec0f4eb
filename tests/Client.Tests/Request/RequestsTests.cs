using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Client.Tests.Request;

public sealed class RequestsTests
{
    static string Line(ApiRequest r) => $"{r.Method} {r.Path}" + string.Concat(r.Query.Select((q, i) => (i == 0 ? "?" : "&") + q.Key + "=" + q.Value));

    [Fact]
    public void Paths_and_queries_are_upstreams()
    {
        Assert.Equal("GET /api/v1/namespaces/default/pods/web", Line(Requests.Get<Pod>(new("default", "web"))));
        Assert.Equal("GET /api/v1/nodes/n1", Line(Requests.Get<Node>(new("", "n1"))));
        Assert.Equal("GET /api/v1/nodes/n1", Line(Requests.Get<Node>(new("ignored", "n1"))));
        Assert.Equal("GET /apis/apps/v1/namespaces/a/deployments/d/scale", Line(Requests.Get<Deployment>(new("a", "d"), "scale")));
        Assert.Equal("GET /api/v1/pods", Line(Requests.List<Pod>(ListQuery.All)));
        Assert.Equal("GET /api/v1/namespaces/a/pods?labelSelector=app in (x,y)&fieldSelector=spec.nodeName=n1&limit=5&resourceVersion=7&resourceVersionMatch=Exact",
            Line(Requests.List<Pod>(new() { Namespace = "a", LabelSelector = "app in (x,y)", FieldSelector = "spec.nodeName=n1", Limit = 5, ResourceVersion = "7", ResourceVersionMatch = "Exact" })));
        Assert.Equal("GET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=9&timeoutSeconds=300", Line(Requests.Watch<Pod>(ListQuery.All, "9", TimeSpan.FromMinutes(5))));
        Assert.Equal("POST /api/v1/namespaces/default/configmaps", Line(Requests.Create(Make.Map("a"))));
        Assert.Equal("POST /api/v1/namespaces/default/pods/web/binding", Line(Requests.Create<Pod>(new("default", "web"), "binding", Binding.Empty)));
        Assert.Equal("PUT /api/v1/namespaces/default/pods/web/status", Line(Requests.Update(Make.Pod("web"), "status")));
        Assert.Equal("PATCH /api/v1/namespaces/a/pods/p?fieldManager=me&force=true", Line(Requests.Patch<Pod>(new("a", "p"), Patch.Apply("{}"u8.ToArray(), "me"))));
        Assert.Equal("DELETE /api/v1/namespaces/a/pods/p", Line(Requests.Delete<Pod>(new("a", "p"), DeleteOptions.Empty)));
    }

    [Fact]
    public void A_continue_token_travels_without_a_revision() =>
        Assert.Equal("GET /api/v1/pods?continue=abc&limit=2", Line(Requests.List<Pod>(new() { Limit = 2, Continue = "abc", ResourceVersion = "7", ResourceVersionMatch = "Exact" })));

    [Fact]
    public void A_patch_goes_as_it_is()
    {
        var request = Requests.Patch<Pod>(new("a", "p"), Patch.Merge("{\"a\":1}"u8.ToArray()));
        Assert.Equal("application/merge-patch+json", request.ContentType);
        Assert.Equal("{\"a\":1}"u8, request.Body.Span);
    }

    [Fact]
    public void Preconditions_name_the_very_object()
    {
        Assert.Equal("uid-web", Preconditions.Uid(Make.Pod("web")).Preconditions?.Uid);
        Assert.Equal(("uid-web", "4"), DeletePreconditions.Unchanged(Make.Pod("web", "4")).Preconditions is { } p ? (p.Uid, p.ResourceVersion) : default);
    }
}
