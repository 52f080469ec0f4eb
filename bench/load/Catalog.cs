namespace Hanbae.Bench.Load;

/// <summary>Where and with what an operation runs.</summary>
sealed record Scene(Api Api, Options Options, Run Run, ServerFigures Server)
{
    public string Pods => $"/api/v1/namespaces/{Options.Namespace}/pods";
    public string Things => Objects.CustomPath + Options.Namespace + "/things";
}

/// <summary>The operations by name.</summary>
static class Catalog
{
    static readonly HttpMethod s_post = HttpMethod.Post, s_patch = HttpMethod.Patch;

    static readonly Dictionary<string, Func<Scene, Task>> s_all = new()
    {
        ["ns"] = NamespaceAsync,
        ["create"] = s => Each(s, "create", s.Options.Pods, i => s.Api.SendAsync(s_post, s.Pods, Objects.Pod(s.Options.Namespace, i))),
        ["get"] = s => Each(s, "get", s.Options.Gets, i => s.Api.GetAsync($"{s.Pods}/p-{i * 7919L % s.Options.Pods:D6}")),
        ["list"] = s => List(s, "list", "?resourceVersion=0", Api.Json),
        ["listpb"] = s => List(s, "listpb", "?resourceVersion=0", Api.Protobuf),
        ["listtable"] = s => List(s, "listtable", "?resourceVersion=0", Api.Table),
        ["listsel"] = s => s.Run.EachAsync("listsel", s.Options.Lists * 5, 4, i => s.Api.GetAsync($"{s.Pods}?labelSelector=app%3Dapp-{i % 100}&resourceVersion=0")),
        // A merge patch, as the table of the design means it.
        ["update"] = s => Each(s, "update", Writes(s), i => s.Api.SendAsync(s_patch, Pod(s, i), Objects.Annotation("seq", i), Api.MergePatch)),
        ["put"] = s => Each(s, "put", Writes(s), i => s.Api.SendAsync(HttpMethod.Put, Pod(s, i), Objects.Pod(s.Options.Namespace, i, "put"))),
        ["apply"] = s => Each(s, "apply", Writes(s), i => s.Api.SendAsync(s_patch, Pod(s, i) + "?fieldManager=bench&force=true", Objects.Applied(i), Api.ApplyPatch)),
        ["delete"] = s => Each(s, "delete", s.Options.Pods, i => s.Api.SendAsync(HttpMethod.Delete, Pod(s, i) + "?gracePeriodSeconds=0")),
        ["definition"] = DefinitionAsync,
        ["customs"] = s => Each(s, "customs", s.Options.Pods, i => s.Api.SendAsync(s_post, s.Things, Objects.Custom(s.Options.Namespace, i))),
        ["listcustoms"] = s => s.Run.EachAsync("listcustoms", s.Options.Lists, 2, _ => s.Api.GetAsync(s.Things + "?resourceVersion=0")),
        ["watch"] = FanOut.RunAsync,
        ["kubelets"] = Kubelets.RunAsync,
    };

    public static IEnumerable<string> Names => s_all.Keys;

    public static Func<Scene, Task>? Find(string name) => s_all.GetValueOrDefault(name);

    static Task Each(Scene s, string name, int count, Func<int, Task<Api.Answer>> one) => s.Run.EachAsync(name, count, s.Options.Conc, one);

    static Task List(Scene s, string name, string query, string accept) => s.Run.EachAsync(name, s.Options.Lists, 2, _ => s.Api.GetAsync(s.Pods + query, accept));

    static int Writes(Scene s) => Math.Min(s.Options.Pods, s.Options.Gets / 4);

    static string Pod(Scene s, int i) => $"{s.Pods}/p-{i:D6}";

    /// <summary>Ends when Pods may be made in it, which is when its service account is there.</summary>
    static async Task NamespaceAsync(Scene s)
    {
        string ns = s.Options.Namespace;
        await s.Api.SendAsync(s_post, "/api/v1/namespaces", $$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{ns}}}"}}""");
        while ((await s.Api.GetAsync($"/api/v1/namespaces/{ns}/serviceaccounts/default")).Code != 200) await Task.Delay(20);
    }

    static async Task DefinitionAsync(Scene s)
    {
        await s.Api.SendAsync(s_post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Objects.Definition);
        while ((await s.Api.GetAsync(s.Things)).Code != 200) await Task.Delay(20);
    }
}
