using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Validate;

/// <summary>ConfigMaps and Secrets: keys that can be files, not too large, fixed when they say so, and what each type of Secret holds.</summary>
static class ConfigRules
{
    const int Largest = 1 << 20;
    const string Fixed = "field is immutable when `immutable` is set";

    public static void Check(ConfigMap o, Errors errors)
    {
        long size = 0;
        foreach (var (key, value) in o.Data)
        {
            errors.Invalid(FieldPath.Of("data").Key(key), key, Names.ConfigKey(key));
            if (o.BinaryData.ContainsKey(key)) errors.Invalid(FieldPath.Of("data").Key(key), key, $"duplicate of key present in binaryData");
            size += Encoding.UTF8.GetByteCount(value);
        }
        foreach (var (key, value) in o.BinaryData)
        {
            errors.Invalid(FieldPath.Of("binaryData").Key(key), key, Names.ConfigKey(key));
            size += value.Length;
        }
        if (size > Largest) errors.Add(FieldError.TooLong("", Largest));
    }

    public static void Update(ConfigMap o, ConfigMap old, Errors errors)
    {
        if (old.Immutable == true)
        {
            if (o.Immutable != true) errors.Forbidden(FieldPath.Of("immutable"), Fixed);
            if (o.Data != old.Data) errors.Forbidden(FieldPath.Of("data"), Fixed);
            if (o.BinaryData != old.BinaryData) errors.Forbidden(FieldPath.Of("binaryData"), Fixed);
        }
        Check(o, errors);
    }

    public static void Check(Secret o, Errors errors)
    {
        var data = FieldPath.Of("data");
        long size = 0;
        foreach (var (key, value) in o.Data)
        {
            errors.Invalid(data.Key(key), key, Names.ConfigKey(key));
            size += value.Length;
        }
        if (size > Largest) errors.TooLong(data, Largest);
        switch (o.Type)
        {
            case "kubernetes.io/service-account-token":
                if (o.Metadata.Annotations["kubernetes.io/service-account.name"] is null or "") errors.Required(FieldPath.Metadata["annotations"].Key("kubernetes.io/service-account.name"));
                break;
            case "kubernetes.io/dockercfg": Json(data, o, ".dockercfg", errors); break;
            case "kubernetes.io/dockerconfigjson": Json(data, o, ".dockerconfigjson", errors); break;
            case "kubernetes.io/basic-auth":
                if (!o.Data.ContainsKey("username") && !o.Data.ContainsKey("password"))
                {
                    errors.Required(data.Key("username"));
                    errors.Required(data.Key("password"));
                }
                break;
            case "kubernetes.io/ssh-auth":
                if (!o.Data.TryGet("ssh-privatekey", out var sshKey) || sshKey.Length == 0) errors.Required(data.Key("ssh-privatekey"));
                break;
            case "kubernetes.io/tls":
                if (!o.Data.ContainsKey("tls.crt")) errors.Required(data.Key("tls.crt"));
                if (!o.Data.ContainsKey("tls.key")) errors.Required(data.Key("tls.key"));
                break;
        }
    }

    static void Json(FieldPath at, Secret o, string key, Errors errors)
    {
        if (!o.Data.TryGet(key, out var value)) { errors.Required(at.Key(key)); return; }
        try
        {
            if (JsonValue.Parse(Encoding.UTF8.GetString(value.Span)) is not JsonObject)
                errors.Invalid(at.Key(key), "<secret contents redacted>", "json: cannot unmarshal into Go value of type map[string]interface {}");
        }
        catch (JsonSyntaxException e) { errors.Invalid(at.Key(key), "<secret contents redacted>", e.Message); }
    }

    public static void Update(Secret o, Secret old, Errors errors)
    {
        errors.Unchanged(FieldPath.Of("type"), o.Type, old.Type);
        if (old.Immutable == true)
        {
            if (o.Immutable != true) errors.Forbidden(FieldPath.Of("immutable"), Fixed);
            if (o.Data != old.Data) errors.Forbidden(FieldPath.Of("data"), Fixed);
        }
        Check(o, errors);
    }
}
