using Hanbae.Api;
using Hanbae.Api.Authorization.V1;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Auth.Webhooks;

/// <summary>A question about access in the form that webhooks and expressions read: the spec of a SubjectAccessReview.</summary>
static class ReviewText
{
    public static SubjectAccessReviewSpec Spec(Attributes a) => new()
    {
        User = a.User.Name, Groups = a.User.Groups, Uid = a.User.Uid, Extra = a.User.Extra,
        ResourceAttributes = !a.IsResourceRequest ? null : new()
        {
            Namespace = a.Namespace, Verb = a.Verb, Group = a.ApiGroup, Version = a.ApiVersion, Resource = a.Resource, Subresource = a.Subresource, Name = a.Name,
            FieldSelector = Fields(a.FieldSelector), LabelSelector = Labels(a.LabelSelector),
        },
        NonResourceAttributes = a.IsResourceRequest ? null : new() { Path = a.Path, Verb = a.Verb },
    };

    /// <summary>Selectors that cannot be read narrow nothing: then webhooks are asked about all.</summary>
    static FieldSelectorAttributes? Fields(string text)
    {
        if (text.Length == 0) return null;
        try { return new() { Requirements = [.. FieldSelector.Parse(text).Terms.Select(t => new FieldSelectorRequirement { Key = t.Field, Operator = t.Equal ? "In" : "NotIn", Values = [t.Value] })] }; }
        catch (FormatException) { return null; }
    }

    static LabelSelectorAttributes? Labels(string text)
    {
        if (text.Length == 0) return null;
        try
        {
            var requirements = Selector.Parse(text).Requirements.Select(r => (r, op: r.Operator switch
            {
                LabelOperator.Equal or LabelOperator.DoubleEqual or LabelOperator.In => "In",
                LabelOperator.NotEqual or LabelOperator.NotIn => "NotIn",
                LabelOperator.Exists => "Exists",
                LabelOperator.DoesNotExist => "DoesNotExist",
                // Comparisons have no form there: what is left of the selector still narrows.
                _ => null,
            })).Where(r => r.op is not null).Select(r => new LabelSelectorRequirement { Key = r.r.Key, Operator = r.op!, Values = [.. r.r.Values] });
            return new() { Requirements = [.. requirements] };
        }
        catch (FormatException) { return null; }
    }

    public static JsonObject Tree(IMessage message)
    {
        var writer = new JsonWriter(1024);
        try
        {
            message.WriteJson(ref writer);
            return (JsonObject)JsonValue.Parse(writer.Written);
        }
        finally { writer.Dispose(); }
    }
}
