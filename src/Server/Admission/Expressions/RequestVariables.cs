using Hanbae.Api;
using Hanbae.Api.Codec;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Webhooks;

namespace Hanbae.Server.Admission.Expressions;

/// <summary>What expressions of admission may name: <c>object</c>, <c>oldObject</c>, <c>request</c>, <c>authorizer</c>, and for policies <c>params</c> and <c>namespaceObject</c>.</summary>
static class RequestVariables
{
    static readonly CelSchema s_text = CelSchema.String, s_texts = CelSchema.List(CelSchema.String);

    static readonly CelSchema s_kind = Fields(("group", s_text), ("version", s_text), ("kind", s_text)), s_resource = Fields(("group", s_text), ("version", s_text), ("resource", s_text));

    static readonly CelSchema s_request = Fields(
        ("kind", s_kind), ("resource", s_resource), ("subResource", s_text), ("requestKind", s_kind), ("requestResource", s_resource), ("requestSubResource", s_text),
        ("name", s_text), ("namespace", s_text), ("operation", s_text),
        ("userInfo", Fields(("username", s_text), ("uid", s_text), ("groups", s_texts), ("extra", CelSchema.Map(s_texts)))),
        ("dryRun", CelSchema.Boolean), ("options", CelSchema.Dyn));

    static readonly CelSchema s_namespace = Fields(
        ("metadata", Fields(("name", s_text), ("generateName", s_text), ("namespace", s_text), ("labels", CelSchema.Map(s_text)), ("annotations", CelSchema.Map(s_text)), ("UID", s_text),
            ("creationTimestamp", new(CelSchemaKind.DateTime)), ("deletionGracePeriodSeconds", CelSchema.Integer), ("deletionTimestamp", new(CelSchemaKind.DateTime)),
            ("generation", CelSchema.Integer), ("resourceVersion", s_text), ("finalizers", s_texts))),
        ("spec", Fields(("finalizers", s_texts))),
        ("status", Fields(("phase", s_text))));

    static CelSchema Fields(params ReadOnlySpan<(string Name, CelSchema Schema)> fields)
    {
        var properties = new List<CelProperty>();
        foreach (var (name, schema) in fields) properties.Add(new(name, () => schema) { Identifier = name });
        return CelSchema.Object([.. properties]);
    }

    /// <summary>For match conditions of webhooks.</summary>
    public static CelEnvironment Webhook { get; } = Of(CelEnvironment.Kubernetes);

    /// <summary>For policies, without <c>params</c> unless there can be any.</summary>
    public static CelEnvironment Policy(bool hasParams, CelLibraries libraries = CelLibraries.Kubernetes)
    {
        var env = Of(CelEnvironment.Of(libraries)).WithVariable("namespaceObject", s_namespace, "kubernetes.Namespace");
        return hasParams ? env.WithVariable("params", CelType.Dyn) : env;
    }

    /// <summary>For policies, when it is known what the objects are.</summary>
    /// <param name="name">Of the objects' type, in errors.</param>
    public static CelEnvironment Typed(CelSchema schema, string name, (CelSchema Schema, string Name)? param)
    {
        var env = Known(CelEnvironment.Kubernetes).WithVariable("object", schema, name).WithVariable("oldObject", schema, name).WithVariable("namespaceObject", s_namespace, "kubernetes.Namespace");
        return param is var (of, called) ? env.WithVariable("params", of, called == name ? called + ".params" : called) : env;
    }

    static CelEnvironment Of(CelEnvironment env) => Known(env).WithVariable("object", CelType.Dyn).WithVariable("oldObject", CelType.Dyn);

    static CelEnvironment Known(CelEnvironment env) => env
        .WithVariable("request", s_request, "kubernetes.AdmissionRequest")
        .WithVariable("authorizer", CelAuthorizer.Type).WithVariable("authorizer.requestResource", CelAuthorizer.ResourceCheckType);

    /// <exception cref="Errors.StatusException">The objects cannot be converted.</exception>
    public static async ValueTask<CelActivation> ValuesAsync(ReviewedWrite write, Invocation asked, RequestAuthorizer asking, CancellationToken ct)
    {
        var view = await write.InAsync(asked.Kind, ct).ConfigureAwait(false);
        return new(
            ("object", Any(view.Tree)), ("oldObject", Any(view.OldTree)), ("request", CelJson.Wrap(TreeOf(write.Told(asked, "")), s_request)),
            ("authorizer", CelAuthorizer.Value(asking)),
            ("authorizer.requestResource", CelAuthorizer.ResourceCheck(asking, new()
            {
                Group = write.Resource.Group, Resource = write.Resource.Resource, Subresource = write.Subresource, Namespace = write.Namespace, Name = write.Name,
            })));
    }

    public static CelValue Any(JsonValue tree) => tree is JsonNull ? CelNull.Instance : CelJson.Wrap(tree);

    /// <summary>Null for what is in no namespace.</summary>
    public static CelValue NamespaceValue(Namespace? ns) => ns is null ? CelNull.Instance : CelJson.Wrap(JsonValue.Parse(Namespace.Info.ToJson(ns)), s_namespace);

    static JsonValue TreeOf(IMessage message)
    {
        var writer = new JsonWriter(1024);
        try
        {
            message.WriteJson(ref writer);
            return JsonValue.Parse(writer.Written);
        }
        finally { writer.Dispose(); }
    }
}
