using Hanbae.Machinery.Cel.Check;

namespace Hanbae.Machinery.Cel.Functions;

/// <summary>Which library brings which functions; within a function the order of overloads is that of the libraries.</summary>
static class Catalog
{
    public static IEnumerable<(string Name, Overload Overload)> Of(CelLibraries libraries)
    {
        var all = new FunctionList();
        OperatorFunctions.Add(all);
        Comparisons.Add(all);
        Conversions.Add(all);
        StandardStrings.Add(all);
        TimeFunctions.Add(all);
        Add(CelLibraries.Optionals, Optionals.Add);
        Add(CelLibraries.Strings, StringFunctions.Add);
        Add(CelLibraries.Sets, Sets.Add);
        Add(CelLibraries.TwoVariables, MapInsert.Add);
        Add(CelLibraries.Lists, ListFunctions.Add);
        Add(CelLibraries.ExtendedLists, ExtendedLists.Add);
        Add(CelLibraries.Regex, RegexFunctions.Add);
        Add(CelLibraries.Urls, Urls.Add);
        Add(CelLibraries.Quantity, Quantities.Add);
        Add(CelLibraries.Ip, Net.AddIp);
        Add(CelLibraries.Cidr, Net.AddCidr);
        Add(CelLibraries.Format, NamedFormats.Add);
        Add(CelLibraries.Semver, SemverFunctions.Add);
        Add(CelLibraries.Authorizer, AuthorizerFunctions.Add);
        Add(CelLibraries.JsonPatch, JsonPatchFunctions.Add);
        Add(CelLibraries.Includes, ListFunctions.AddIncludes);
        return all;

        void Add(CelLibraries library, Action<FunctionList> functions)
        {
            if ((libraries & library) != 0) functions(all);
        }
    }

    /// <summary>Types that expressions may name.</summary>
    public static IEnumerable<CelType> Types(CelLibraries libraries)
    {
        IEnumerable<CelType> types = [CelType.Bool, CelType.Int, CelType.Uint, CelType.Double, CelType.String, CelType.Bytes, CelType.Null,
            CelType.Timestamp, CelType.Duration, CelType.Type, CelType.AnyList, CelType.AnyMap];
        if ((libraries & CelLibraries.Optionals) != 0) types = types.Append(CelType.Optional(CelType.Dyn));
        if ((libraries & CelLibraries.Ip) != 0) types = types.Append(Net.IpType);
        if ((libraries & CelLibraries.Cidr) != 0) types = types.Append(Net.CidrType);
        return types;
    }
}
